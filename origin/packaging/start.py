"""How a title gets on its way, and off it: rows before and after, decided without I/O.

Asking twice for the same source changes nothing; a new source starts over while viewers keep the
package they have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from cdnkit.errors import NotFoundError
from origin.catalog.jobs import NEVER, JobRow
from origin.packaging.states import TitleEvent, TitleState, step

PREFIX: Final = "play/"
"""Where packages lie among the objects."""


def prefix_of(title_id: str, revision: int) -> str:
    """What the keys of one package begin with: a set of files that never mixes with another."""
    return f"{PREFIX}{title_id}/{revision}/"


def receive(
    current: JobRow | None, title_id: str, key: str, generation: int, now: float
) -> JobRow | None:
    """The row that begins the work on a source; None when that is done or under way."""
    if current is None:
        return JobRow(title_id, key, generation, 1, TitleState.RECEIVED.value, leased_until=now)
    state = TitleState(current.state)
    same = (current.source_key, current.source_generation) == (key, generation)
    if same and state not in (TitleState.REFUSED, TitleState.RETIRED):
        return None
    return replace(
        current,
        source_key=key,
        source_generation=generation,
        revision=current.revision + 1,
        state=step(state, TitleEvent.RECEIVE).value,
        progress=0.0,
        reason="",
        attempts=0,
        package={},
        worker="",
        leased_until=now,
    )


def is_due(current: JobRow | None, key: str, generation: int) -> bool:
    """Whether a title is to be packaged without anybody asking for it.

    A retired title stays retired whatever happens to its film, and what was refused is not tried
    again before there is another upload.
    """
    if current is None:
        return True
    if TitleState(current.state) is TitleState.RETIRED:
        return False
    return (current.source_key, current.source_generation) != (key, generation)


def retire(current: JobRow | None, title_id: str, now: float) -> JobRow | None:
    """The row that takes a title from viewers. Raises NotFoundError."""
    if current is None:
        raise NotFoundError(f"the title {title_id!r} was never packaged")
    state = TitleState(current.state)
    if state is TitleState.RETIRED:
        return None
    return replace(
        current,
        state=step(state, TitleEvent.RETIRE).value,
        progress=0.0,
        reason="",
        package={},
        published={},
        worker="",
        leased_until=now,
    )


def advance(current: JobRow, event: TitleEvent, now: float, **changes: Any) -> JobRow:
    """The row after a step of the origin's own, ready for the next."""
    state = step(TitleState(current.state), event)
    is_done = state in (TitleState.PUBLISHED, TitleState.REFUSED)
    return replace(
        current,
        **{
            "state": state.value,
            "reason": "",
            "attempts": 0,
            "progress": 0.0,
            "worker": "",
            "leased_until": NEVER if is_done else now,
            **changes,
        },
    )


def describe_job(row: JobRow) -> dict[str, Any]:
    """The JSON answer about a row; URLs are keys, as every tier understands them."""
    body: dict[str, Any] = {
        "title": row.title_id,
        "state": row.state,
        "progress": round(row.progress, 3),
        "source": {"key": row.source_key, "generation": row.source_generation},
        "revision": row.revision,
        "attempts": row.attempts,
        "updated_at": row.updated_at,
    }
    if row.reason:
        body["reason"] = row.reason
    if row.package:
        body["package"] = row.package
    if row.published:
        body["published"] = {
            name: value for name, value in row.published.items() if name != "replaced"
        }
    return body


def with_keys(package: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The members of a package with file names made into keys."""
    named = ("progressive", "hls", "dash", "dash_indexed", "poster", "storyboard", "thumbnails")
    return {
        **package,
        "prefix": prefix,
        **{name: prefix + package[name] for name in named if name in package},
    }
