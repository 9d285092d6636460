"""What playbacks take in and give out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from cdnkit.service.operations import Shape

_TITLE = r"^[a-z0-9][a-z0-9-]{0,63}$"


class Beginning(Shape):
    """What is to be watched, and on what."""

    title_id: Annotated[str, StringConstraints(pattern=_TITLE)]
    device: str = Field("", max_length=100, description="How the person calls it.")


class Playback(Shape):
    """A stream that may begin. URLs carry the token; times are in epoch seconds."""

    session_id: str
    token: str = Field(repr=False, description="Empty where the topology has no key for tokens.")
    manifest_hls: str | None
    manifest_dash: str | None
    progressive: str
    position_seconds: float = Field(description="Where the profile stopped.")
    counter: int = Field(description="The last heartbeat of the profile in this title.")
    height_max: int = Field(description="Pixels; 0 is no limit.")
    expires_at: float = Field(description="When the token ends.")
    ends_at: float | None = Field(description="When the stream ends because the rights do.")
    heartbeat_seconds: float


class Beat(Shape):
    """Where the viewer is, the `counter`-th time this profile says so of this title."""

    position_seconds: float = Field(ge=0, le=1e6)
    counter: int = Field(ge=1, le=2**53)


class PlaybackPath(Shape):
    """One stream."""

    id: str


class Stream(Shape):
    """A stream under way."""

    id: str
    profile: str
    title_id: str
    device: str
    started_at: float


class Streams(Shape):
    """The streams of an account, oldest first."""

    items: list[Stream]
