"""What the router's operations take and answer, for checking and for its description.

The bodies themselves are laid out by `geo_router.answers` and `geo_router.steering`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from cdnkit.errors import NotFoundError, UnavailableError
from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Answer, Shape, operation
from cdnkit.service.pages import cors_headers
from cdnkit.service.patterns import rest
from cdnkit.tokens import TokenError, TokenFault, WrongCountryError
from geo_router.steering import SessionEndedError, TooManyRequestsError

ANSWER_FIELDS: Final[Mapping[str, str]] = {"Cache-Control": "no-store", **cors_headers()}
STEERED: Final = "/" + rest("path", may_be_empty=False)
"""What a player is steered for, behind the prefix of its kind."""
_WHERE: Final = {"Location": "The object at the edge."}


class NoEdgeError(UnavailableError):
    """Nobody can be named now; a page of another origin may read that, too."""

    code = "no-edge"

    def headers(self) -> dict[str, str]:
        return {**super().headers(), **ANSWER_FIELDS}


class EndedTokenError(TokenError):
    """The token of the target has ended; a page of another origin may read that, too."""

    def __init__(self) -> None:
        super().__init__(TokenFault.EXPIRED)

    def headers(self) -> dict[str, str]:
        return dict(ANSWER_FIELDS)


class ExcludedError(WrongCountryError):
    """The token of the target is for other countries than the viewer's."""

    def headers(self) -> dict[str, str]:
        return dict(ANSWER_FIELDS)


class RouteQuery(Shape):
    """What for, and for whom."""

    path: str = Field(description="The object path, with its slash in front.")
    ip: str | None = Field(None, description="The viewer's address; without it, who asks.")


class ExplainQuery(Shape):
    """What for, and for whom: a path, or a title."""

    path: str | None = Field(None, description="The object path, with its slash in front.")
    title: str | None = Field(None, description="An object key, instead of a path.")
    ip: str | None = Field(None, description="The viewer's address; without it, who asks.")
    offset: Annotated[int, Field(ge=0, description="The byte that is asked about."), DIGITS] = 0


class SteeringQuery(Shape):
    """What players add to the steering URI (RFC 8216bis 7, ETSI TS 103 998)."""

    session: str = Field("", description="Who comes back; we give it in RELOAD-URI.")
    pathways: str = Field("", description="The pathways of the playlist, joined by commas.")
    hls_pathway: str = Field("", alias="_HLS_pathway")
    hls_throughput: str = Field("", alias="_HLS_throughput")
    dash_pathway: str = Field("", alias="_DASH_pathway")
    dash_throughput: str = Field("", alias="_DASH_throughput")


class PlaceView(Shape):
    """Where a viewer was taken to be, and on whose word."""

    address: str | None
    said_by: str
    source: str
    matched: str
    site: str
    country: str
    latitude: float | None
    longitude: float | None


class CandidateView(Shape):
    """An edge that may be told, and why it stands where it does."""

    name: str
    site: str
    url: str
    distance_km: float | None
    reasons: list[str]


class RouteView(Shape):
    """Edges for one path, best first."""

    url: str
    edges: list[CandidateView]
    place: PlaceView


class ExplainedEdge(CandidateView):
    """An edge of an explained decision."""

    rung: str


class PassedOver(Shape):
    """An edge that was not taken."""

    name: str
    site: str
    reason: str


class ExplainView(Shape):
    """A decision with everything that went into it."""

    url: str | None
    path: str
    key: str
    rung: str
    place: PlaceView
    database: str
    fleet_version: int
    fleet_polled: bool
    edges: list[ExplainedEdge]
    passed_over: list[PassedOver]
    offset_bytes: int
    measured: list[dict[str, Any]]


class Believed(Shape):
    """What is believed of an edge, since when, and what the last probe saw."""

    state: str
    reason: str
    since: float
    probed_at: float | None
    latency_ms: float | None
    load: float | None
    failing: float | None
    overloaded: bool


class EdgeView(Believed):
    """An edge; `ipv6` when it looks different that way."""

    name: str
    site: str
    url: str
    weight: float
    ipv6: Believed | None = None


class ResortView(Believed):
    """Where viewers are sent when no edge is left."""

    name: str


class FleetView(Shape):
    """Every edge, and seconds since each other router was heard."""

    now: float
    version: int
    polled: bool
    routers_heard: dict[str, float | None]
    edges: list[EdgeView]
    resorts: list[ResortView]


class ObservationsView(Shape):
    """What this router sees with its own eyes."""

    router: str
    now: float
    families: dict[str, Any]


class CloneView(Shape):
    """A pathway made from another by a different host."""

    base_id: str = Field(alias="BASE-ID")
    id: str = Field(alias="ID")
    replacement: dict[str, str] = Field(alias="URI-REPLACEMENT")


class ManifestView(Shape):
    """A steering manifest."""

    version: int = Field(alias="VERSION")
    ttl: int = Field(alias="TTL")
    reload_uri: str = Field(alias="RELOAD-URI")
    priority: list[str] = Field(alias="PATHWAY-PRIORITY")
    clones: list[CloneView] = Field([], alias="PATHWAY-CLONES")


redirect = operation(
    answers={
        200: Answer("The ranked list, when JSON is preferred.", RouteView),
        204: Answer("The preflight of a page of another origin."),
        302: Answer("To the best edge.", headers=_WHERE),
        307: Answer("To the best edge, with this method.", headers=_WHERE),
    },
    problems=(NotFoundError, NoEdgeError, EndedTokenError, ExcludedError),
    fields={"Accept": "`application/json` asks for a list instead of a redirect."},
    methods=("GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH"),
    tag="routing",
)
route = operation(
    answers={200: Answer("Best first.", RouteView)},
    problems=(NotFoundError, NoEdgeError, EndedTokenError, ExcludedError),
    tag="routing",
)
explain = operation(
    answers={200: Answer("The decision.", ExplainView)}, problems=(NotFoundError,), tag="insight"
)
fleet = operation(answers={200: Answer("The fleet.", FleetView)}, tag="insight")
observations = operation(answers={200: Answer("What is seen.", ObservationsView)}, tag="insight")
steer = operation(
    answers={200: Answer("The pathways, best first.", ManifestView)},
    problems=(NotFoundError, NoEdgeError, SessionEndedError, TooManyRequestsError),
    query=SteeringQuery,
    tag="steering",
)
preflight = operation(answers={204: Answer("Pages of other origins may.")}, tag="steering")
