"""What to do with a request for stored content: serve, ask again, fetch, or refuse. Pure.

The states carry what the next step needs; `edge.serve` acts on them and decides nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cdnkit.cache_control import NOTHING_SAID
from cdnkit.errors import CinedgeError, Fault
from cdnkit.fields import FieldLines
from cdnkit.freshness import CachePolicy, Freshness, Judgement, State, judge, request_directives
from cdnkit.wire import MissClass


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer from the entry; `refresh` asks the origin behind the viewer's back (RFC 5861 3)."""

    judgement: Judgement
    refresh: bool

    @property
    def is_fresh(self) -> bool:
        """Whether it is good for others, too, who accept no stale answers."""
        return self.judgement.state is State.FRESH


@dataclass(frozen=True, slots=True)
class Revalidate:
    """Ask the origin whether the entry still stands; it may be served if the origin fails.

    `by_wish`: only the client's directives ask for that.
    """

    judgement: Judgement
    by_wish: bool


@dataclass(frozen=True, slots=True)
class Fetch:
    """Nothing usable is stored."""

    miss_class: MissClass


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """The client wants no answer but a stored one, and there is none (RFC 9111 5.2.1.7)."""


class NotStoredError(CinedgeError):
    """Nothing stored answers, and nothing else was wanted: the upstream was not asked."""

    status = 504
    code = "not-stored"
    fault = Fault.CLIENT


Decision = Serve | Revalidate | Fetch | Unsatisfiable


def in_doubt(freshness: Freshness, now: float) -> Freshness:
    """The same, of something that may have changed unnoticed: whoever wants it has to ask.

    Also where the clock was set back, to before it came.
    """
    born_at = min(freshness.born_at, now)
    return replace(freshness, born_at=born_at, lifetime_seconds=0, stale_while_revalidate_seconds=0)


def decide(
    request: FieldLines,
    stored: Freshness | None,
    missing: MissClass,
    now: float,
    policy: CachePolicy,
) -> Decision:
    """`stored` is the freshness of the entry that matches, None when there is none."""
    wishes = request_directives(request) if policy.honour_request_directives else NOTHING_SAID
    if stored is None:
        return Unsatisfiable() if wishes.only_if_cached else Fetch(missing)
    judgement = judge(stored, now, wishes)
    by_wish = now < stored.fresh_until
    match judgement.state:
        case State.FRESH | State.STALE_ACCEPTED:
            return Serve(judgement, refresh=False)
        case State.STALE_WHILE_REVALIDATE:
            return Serve(judgement, refresh=True)
        case State.STALE | State.MUST_REVALIDATE:
            return Unsatisfiable() if wishes.only_if_cached else Revalidate(judgement, by_wish)
