"""What orders take and answer, for the description of the API.

What an order may ask is read by `origin.orders.asked`, how it stands is laid out by
`origin.orders.standing`; the shapes here say it once more for readers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from cdnkit.errors import BadKeyError, ConflictError, NotFoundError, UnavailableError
from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Answer, Handler, Shape, operation
from cdnkit.service.paging import LIMIT_DEFAULT, LIMIT_MAX
from cdnkit.service.patterns import segment
from cdnkit.wire import ChangeKind, ReceiptState
from origin.orders.asked import NAMES_MAX, PARTS_MAX
from origin.orders.said import RECEIPTS_MAX

NEWEST: Final = (1 << 62) - 1
ONE: Final = "/" + segment("id")
"""One order, behind the path of those of its kind."""
_Names = (
    Annotated[str, Field(min_length=1, max_length=1024)]
    | Annotated[list[str], Field(max_length=NAMES_MAX)]
)
_State: TypeAlias = Literal["failed", "working", "pending", "offline", "done"]


class PurgeBody(Shape):
    """What is to go: things by one or more of the names, or everything."""

    title: _Names = ""
    object: _Names = ""
    prefix: _Names = ""
    tag: _Names = ""
    all: bool = False
    mode: Literal["hard", "soft"] = "hard"
    refresh_per_second: float = Field(10, ge=0.01, le=10_000)


class PartBody(Shape):
    """The first bytes of an object."""

    object: str = Field(min_length=1, max_length=1024)
    bytes: int = Field(ge=1)


_Parts = Annotated[list[PartBody], Field(max_length=PARTS_MAX)]


class WarmBody(Shape):
    """What is to come, how much of it, and where."""

    title: _Names = ""
    object: _Names = ""
    bytes: int = Field(0, description="From the beginning of each object.")
    seconds: float = Field(0, description="From the beginning of a title.")
    edges: _Names = ""
    sites: _Names = ""
    bytes_per_second: int = 0
    concurrency: int = Field(4, ge=1, le=64)
    parts: _Parts = Field(default_factory=list)
    from_at: float = Field(0, description="Epoch seconds before which nothing is fetched.")
    until_at: float = Field(0, description="When it ends, done or not; left out: never.")


class PinBody(Shape):
    """What is to stay, or need not stay any more."""

    title: _Names = ""
    object: _Names = ""
    prefix: _Names = ""
    bytes: int = 0
    seconds: float = 0
    edges: _Names = ""
    sites: _Names = ""
    parts: _Parts = Field(default_factory=list)


class OrderedEdge(Shape):
    """How far one edge is; `ms` once it is done."""

    name: str
    state: _State
    ms: float = 0
    progress: dict[str, Any] = Field(default_factory=dict)


class OrderView(Shape):
    """An order and how far the edges are with it."""

    id: str
    kind: str
    state: _State
    sequence: int
    at: float
    by: str
    asked: dict[str, Any]
    edges: list[OrderedEdge]
    p50_ms: float | None
    p99_ms: float | None


class OrdersQuery(Shape):
    """Which orders are listed."""

    before: Annotated[int, Field(ge=0, le=NEWEST, description="The `next` before."), DIGITS] = (
        NEWEST
    )
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), DIGITS] = LIMIT_DEFAULT


class OrderPage(Shape):
    """Some orders, the newest first; `next` is the `before` of the following page."""

    items: list[OrderView]
    next: int | None


class Receipt(Shape):
    """What one worker says of an order."""

    order: str
    state: Literal[tuple(each.value for each in ReceiptState)]  # type: ignore[valid-type]
    progress: dict[str, Any] = Field(default_factory=dict)


class Receipts(Shape):
    """What one worker of an edge says of orders."""

    edge: str = Field(min_length=1, max_length=200)
    worker: int = Field(ge=0)
    workers: int = Field(ge=1)
    receipts: list[Receipt] = Field(max_length=RECEIPTS_MAX)


_PLACE: Final = {"Location": "The order."}
_BODIES: Final[Mapping[ChangeKind, type[Shape]]] = {
    ChangeKind.PURGE: PurgeBody,
    ChangeKind.WARM: WarmBody,
    ChangeKind.PIN: PinBody,
    ChangeKind.UNPIN: PinBody,
}

Declare = Callable[[Callable[..., Any]], Handler]


def giving(kind: ChangeKind, scope: str) -> Declare:
    """Declare the handler that gives orders of a kind."""
    return operation(
        summary=f"Order the edges to {kind.value}.",
        answers={202: Answer("It is on its way to the edges.", OrderView, headers=_PLACE)},
        problems=(BadKeyError, ConflictError, NotFoundError, UnavailableError),
        scope=scope,
        enforce=False,
        body=_BODIES[kind],
        tag="orders",
    )


def listing(scope: str) -> Declare:
    """Declare the handler that lists orders."""
    return operation(
        answers={200: Answer("A page.", OrderPage)},
        problems=(UnavailableError,),
        scope=scope,
        enforce=False,
        tag="orders",
    )


def finding(scope: str) -> Declare:
    """Declare the handler that shows an order."""
    return operation(
        answers={200: Answer("How far it is.", OrderView)},
        problems=(NotFoundError, UnavailableError),
        scope=scope,
        enforce=False,
        tag="orders",
    )


take_receipts = operation(
    answers={204: Answer("They are kept.")},
    problems=(UnavailableError,),
    scope="edge",
    enforce=False,
    body=Receipts,
    tag="orders",
)
