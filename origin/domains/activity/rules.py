"""What may be said of a profile, by whom and of which time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from cdnkit.errors import BadRequestError
from origin.catalog.activity import Event, Kind, event_name
from origin.domains.activity.shapes import EventBody

AHEAD_SECONDS: Final = 300.0
"""By how much a player's clock may be ahead; what it says then counts as now."""
VALUE_MIN: Final = 0.5
"""The lowest rating."""

_WATCHING: Final = frozenset({"title_id", "position_seconds", "watched_seconds"})
_JUDGING: Final = frozenset({"title_id", "value"})
_ABOUT: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.PLAY: frozenset({"title_id", "position_seconds"}),
    Kind.HEARTBEAT: _WATCHING,
    Kind.STOP: _WATCHING,
    Kind.SEARCH: frozenset({"words"}),
    Kind.RATE: _JUDGING,
    Kind.LIST: _JUDGING,
}
"""The members that say something of a kind."""
_ALWAYS: Final = frozenset({"kind", "id", "at", "profile"})
_NEEDED: Final = frozenset({"title_id", "value", "words"})


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells, from where and when, and what is known of titles and of how long events stay."""

    account: str
    profile: str
    region: str
    now: float
    keep_seconds: float
    has_title: Callable[[str], bool]


def parse_event(item: Any) -> EventBody:
    """What was told, its types taken at their word. Raises BadRequestError."""
    try:
        return EventBody.model_validate(item, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        reason = f"{place}: {first['msg']}" if place else str(first["msg"])
        raise BadRequestError(reason) from None


def read_event(body: EventBody, name: str, teller: Teller) -> Event:
    """The event to keep, called `name` by its profile. Raises BadRequestError, which says why."""
    kind = Kind(body.kind)
    if body.profile not in ("", teller.profile):
        raise BadRequestError("profile: a profile tells of itself alone")
    _check_members(kind, body)
    words = " ".join(body.words.split())
    if kind is Kind.SEARCH and not (words and words.isprintable()):
        raise BadRequestError("words: a search has letters, and no control characters")
    if kind is not Kind.SEARCH and not teller.has_title(body.title_id):
        raise BadRequestError(f"title_id: there is no title {body.title_id[:64]!r}")
    _check_value(kind, body.value)
    return Event(
        event=event_name(teller.profile, name),
        kind=kind,
        at=_time_of(body, teller),
        account=teller.account,
        profile=teller.profile,
        title=body.title_id,
        region=teller.region,
        position_seconds=body.position_seconds,
        watched_seconds=body.watched_seconds,
        value=body.value,
        words=words,
    )


def _check_members(kind: Kind, body: EventBody) -> None:
    given = body.model_fields_set - _ALWAYS
    for name in sorted(given - _ABOUT[kind]):
        raise BadRequestError(f"{name}: says nothing of an event of the kind {kind}")
    for name in sorted((_ABOUT[kind] & _NEEDED) - given):
        raise BadRequestError(f"{name}: needed for an event of the kind {kind}")


def _check_value(kind: Kind, value: float) -> None:
    if kind is Kind.RATE and value < VALUE_MIN:
        raise BadRequestError(f"value: a rating lies from {VALUE_MIN:g} to 5")
    if kind is Kind.LIST and value not in (0.0, 1.0):
        raise BadRequestError("value: 1 for a title that was added, 0 for one that was removed")


def _time_of(body: EventBody, teller: Teller) -> float:
    at = teller.now if body.at is None else body.at
    if at > teller.now + AHEAD_SECONDS:
        raise BadRequestError("at: lies in the future")
    if at < teller.now - teller.keep_seconds:
        raise BadRequestError("at: longer ago than events are kept")
    return min(at, teller.now)
