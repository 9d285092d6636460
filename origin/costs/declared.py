"""What the endpoints of costs take and answer, for checking and for the description of the API."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field

from cdnkit.errors import BadRequestError, UnavailableError
from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Answer, Shape, operation
from cdnkit.titles import NAME_LENGTH_MAX
from cdnkit.wire import Traffic
from origin.costs.table import CSV_TYPE

LIMIT_DEFAULT: Final = 1000
LIMIT_MAX: Final = 100_000
ROWS_MAX: Final = 1000
BYTES_MAX: Final = 1 << 50
_NAME_MAX: Final = 200


def _as_day(text: str) -> str:
    """Written in one way only: days are compared as texts."""
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("not written as 2026-11-29")
    return text


class TrafficRowBody(Shape):
    """Bytes of a title that one worker counted on a day."""

    day: Annotated[str, AfterValidator(_as_day)] = Field(description="A day of UTC: 2026-11-29.")
    title: str = Field(
        max_length=NAME_LENGTH_MAX, pattern=r"^[^\x00]*$", description="Empty: of no title."
    )
    kind: Literal[tuple(each.value for each in Traffic)]  # type: ignore[valid-type]
    bytes: int = Field(ge=1, le=BYTES_MAX, strict=True)


class TrafficLot(Shape):
    """Bytes of titles; counted once, however often it comes.

    A worker sends a lot once the one before it was taken, with a higher number.
    """

    lot: str = Field(
        max_length=_NAME_MAX,
        pattern=r"^[!-~]+-[0-9]{1,15}$",
        description="The life of the worker, and the number of the lot in it: 5f0c-17.",
    )
    edge: str = Field(min_length=1, max_length=_NAME_MAX, pattern=r"^[!-~]+$")
    rows: list[TrafficRowBody] = Field(max_length=ROWS_MAX)


class CostsQuery(Shape):
    """Which days, and what the rows are."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    first: date | None = Field(
        None, alias="from", description="First day (UTC); left out: 30 days up to the last."
    )
    last: date | None = Field(None, alias="to", description="Last day, included; left out: today.")
    by: Literal["title", "edge", "day"] = "title"
    limit: Annotated[
        int | None,
        Field(ge=1, le=LIMIT_MAX, description="Most rows; 1000 in JSON, all in CSV."),
        DIGITS,
    ] = None


class CostView(Shape):
    """Bytes by kind and what they cost; `key` is a title, an edge or a day."""

    key: str = Field(description="Empty: bytes that belong to no title.")
    edge_bytes: int
    shield_bytes: int
    origin_bytes: int
    fill_miss_bytes: int
    fill_warm_bytes: int
    fill_placement_bytes: int
    cost: float


class CostsView(Shape):
    """Rows, the dearest first; `total` is of all, `left_out` how many rows are not shown."""

    first: str = Field(alias="from")
    last: str = Field(alias="to")
    by: str
    currency: str
    items: list[CostView]
    left_out: int
    total: CostView


take_traffic = operation(
    answers={204: Answer("It is counted, now or before.")},
    problems=(BadRequestError, UnavailableError),
    scope="edge",
    tag="costs",
)


def showing(content_type: str = "") -> Any:
    """Declare the handler that shows costs."""
    answer = (
        Answer("The costs.", content_type=content_type)
        if content_type
        else Answer(f"The costs; as {CSV_TYPE} when `Accept` prefers it.", CostsView)
    )
    return operation(
        answers={200: answer},
        problems=(BadRequestError, UnavailableError),
        scope="operate",
        tag="costs",
    )
