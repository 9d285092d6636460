"""What is told of a profile, and what is answered."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema

from cdnkit.service.operations import Shape
from cdnkit.service.paging import PageOf

EVENTS_MAX: Final = 500
WORDS_CHARACTERS_MAX: Final = 200
_EPOCH_SECONDS_MAX: Final = 1e11

KindName = Literal["play", "heartbeat", "stop", "search", "rate", "list"]


class EventBody(Shape):
    """Something that the profile did.

    What was watched needs `title_id`; a search `words`; a rating `title_id` and `value` from 0.5 to
    5; a list `title_id` and `value`, 1 when the title was added and 0 when it was removed.
    """

    kind: KindName
    id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._:-]{0,100}$",
        description="A name of the profile's own: told twice, the event counts once. One is made "
        "where none is given.",
    )
    at: float | None = Field(
        None, ge=0, le=_EPOCH_SECONDS_MAX, description="Epoch seconds; now when left out."
    )
    profile: str = Field("", description="Only ever the profile that tells; may be left out.")
    title_id: str = ""
    position_seconds: float = Field(0.0, ge=0, le=1e6)
    watched_seconds: float = Field(
        0.0, ge=0, le=86400, description="Watched since the event before of the same stream."
    )
    value: float = Field(0.0, ge=0, le=5)
    words: str = Field("", max_length=WORDS_CHARACTERS_MAX)


class EventsBody(Shape):
    """Events, each judged by itself: a bad one costs the others nothing."""

    events: list[Annotated[Any, WithJsonSchema(EventBody.model_json_schema())]] = Field(
        min_length=1, max_length=EVENTS_MAX
    )


class Told(Shape):
    """What became of an event; `reason` says why it was refused."""

    id: str
    outcome: Literal["accepted", "duplicate", "refused"]
    reason: str = ""


class Taken(Shape):
    """What became of each event, in their order. What is accepted here is committed."""

    items: list[Told]


class Kept(Shape):
    """An event as it is kept. `at` is in epoch seconds; `region` is a country or empty."""

    id: str
    kind: KindName
    at: float
    title_id: str
    region: str
    position_seconds: float
    watched_seconds: float
    value: float
    words: str


class KeptPage(PageOf[Kept]):
    """A part of what is kept, newest first."""


class Recording(Shape):
    """Whether what the profile does is kept from now on."""

    recorded: bool
