"""Saves listed titles at an origin, several at a time, and touches only what differs.

What is there already and says the same is left alone; what says something else is changed by a
merge patch, so that members others have added (the film itself, a poster) stay.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from cdnkit.wire import TITLES_PATH
from scripts.cli.errors import FailedError
from scripts.ingest_client.parts import explain
from scripts.ingest_client.titles import ListedTitle

ATTEMPTS: Final = 5
_PAGE: Final = 200
_PAUSE_SECONDS: Final = 0.5
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})
_PATCH_TYPE: Final = "application/merge-patch+json"


class Outcome(enum.StrEnum):
    """What became of a title."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Saver:
    """Titles of one origin."""

    def __init__(self, client: httpx.Client, pause: Callable[[float], None]) -> None:
        self._client = client
        self._pause = pause
        self._known: dict[str, Mapping[str, Any]] = {}

    def look(self) -> int:
        """Learn what titles there are; how many. Raises FailedError."""
        after: str | None = ""
        while after is not None:
            query = f"?limit={_PAGE}&after={after}"
            page = self._ask("GET", TITLES_PATH + query, {}).json()
            self._known |= {each["id"]: each for each in page["items"]}
            after = page["next"]
        return len(self._known)

    def save_all(
        self, titles: Iterable[ListedTitle], streams: int, report: Callable[[int], object]
    ) -> Counter[Outcome]:
        """Save titles; `report` hears of each. Raises FailedError, or what `titles` raises."""
        outcomes: Counter[Outcome] = Counter()
        with ThreadPoolExecutor(streams) as pool:
            try:
                for outcome in pool.map(self.save, titles):
                    outcomes[outcome] += 1
                    report(1)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return outcomes

    def save(self, title: ListedTitle) -> Outcome:
        """Save one title. Raises FailedError."""
        path = f"{TITLES_PATH}/{title.id}"
        known = self._known.get(title.id)
        if known is None:
            self._ask("PUT", path, {"json": dict(title.members)})
            return Outcome.NEW
        differing = {
            name: value for name, value in title.members.items() if known.get(name) != value
        }
        if not differing:
            return Outcome.UNCHANGED
        headers = {"Content-Type": _PATCH_TYPE}
        self._ask("PATCH", path, {"json": differing, "headers": headers})
        return Outcome.CHANGED

    def _ask(self, method: str, path: str, more: Mapping[str, Any]) -> httpx.Response:
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(_PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                answer = self._client.request(method, path, **more)
            except httpx.TransportError as error:
                problem = str(error) or type(error).__name__
                continue
            if answer.is_success:
                return answer
            problem = explain(answer)
            if answer.status_code not in _TRY_AGAIN:
                break
        raise FailedError(f"{method} {self._client.base_url}{path.lstrip('/')}: {problem}")
