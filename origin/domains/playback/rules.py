"""What a playback is allowed, and where it is played from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cdnkit.errors import ConflictError, ForbiddenError
from origin.catalog.activity import Event, Kind, event_name

FOREVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What an account has paid for; `plan` is empty for what everybody has.

    `height_max` is in pixels, 0 without a limit.
    """

    plan: str
    streams_max: int
    height_max: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """What the rights of a title allow: until when, and whether streams end then."""

    until: float = FOREVER
    ends_streams: bool = False
    height_max: int = 0
    territories: tuple[str, ...] = ()
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """A stream under way. Times are in epoch seconds; `region` is a country or empty."""

    id: str
    account: str
    profile: str
    title_id: str
    device: str
    duration_seconds: float
    started_at: float
    seen_at: float
    region: str = ""


class AgeError(ForbiddenError):
    """The title is for older people than the profile's owner allows."""

    code: ClassVar[str] = "age"


class PlanNeededError(ForbiddenError):
    """The account has no plan."""

    code: ClassVar[str] = "no-plan"


class StreamLimitError(ConflictError):
    """As many devices watch as the plan allows; `devices` names them."""

    code: ClassVar[str] = "stream-limit"


def require_age(title: Mapping[str, Any], age_max: int) -> None:
    """Raises AgeError when a title says that it is for older people."""
    age = title.get("age")
    if isinstance(age, int | float) and not isinstance(age, bool) and age > age_max:
        raise AgeError(f"This title is for people of {age:g} years and more.")


def require_room(leases: Sequence[Lease], streams_max: int) -> None:
    """Raises StreamLimitError when as many streams are under way as may be."""
    if len(leases) >= streams_max:
        devices = [{"device": each.device, "title_id": each.title_id} for each in leases]
        raise StreamLimitError(
            f"{len(leases)} of {streams_max} devices are watching.", devices=devices
        )


def lower(one: int, other: int) -> int:
    """The lower of two heights, of which 0 is no limit."""
    return min(one or other, other or one)


def token_end(now: float, token_seconds: float, grant: Grant) -> int:
    """When the token of a playback ends: with the window, when streams end with it."""
    end = now + token_seconds
    return int(min(end, grant.until) if grant.ends_streams else end)


def token_prefix(title: Mapping[str, Any], published: Mapping[str, Any] | None) -> str:
    """The path that a token is for: the package's folder, or the upload itself."""
    return "/" + (str(published["prefix"]) if published else str(title["media"]))


def play_urls(
    base: str, token: str, title: Mapping[str, Any], published: Mapping[str, Any] | None
) -> dict[str, str | None]:
    """Where players find the title: names of forms, each with its URL or None."""
    start = f"{base}/~{token}/" if token else f"{base}/"
    if not published:
        return {"hls": None, "dash": None, "progressive": start + str(title["media"])}
    return {
        name: start + str(published[name]) if name in published else None
        for name in ("hls", "dash", "progressive")
    }


def event_of(lease: Lease, kind: Kind, position_seconds: float, now: float) -> Event:
    """The beginning or end of a stream as the log keeps it."""
    return Event(
        event=event_name(lease.profile, f"{lease.id}:{kind}"),
        kind=kind,
        at=now,
        account=lease.account,
        profile=lease.profile,
        title=lease.title_id,
        region=lease.region,
        position_seconds=position_seconds,
    )
