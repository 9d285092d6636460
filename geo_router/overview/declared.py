"""What the overview's operations answer, for their description; the board lays the bodies out."""

from __future__ import annotations

from typing import Any, Final

from cdnkit.service.operations import Shape
from geo_router.declared import ResortView

STREAM: Final = "text/event-stream"


class SiteView(Shape):
    """A site and where it is, in degrees."""

    name: str
    latitude: float
    longitude: float


class EdgeBelief(Shape):
    """What is believed of an edge, and where it is."""

    site: str
    url: str
    weight: float
    state: str
    reason: str
    since: float
    overloaded: bool
    ipv6: dict[str, Any] | None = None


class FlowView(Shape):
    """Viewers of a square of five degrees who were sent to a site, lately."""

    latitude: int
    longitude: int
    site: str
    per_second: float


class EntryView(Shape):
    """One line of what has happened."""

    number: int
    at: float
    kind: str
    text: str
    about: str
    state: str
    grave: bool


class OverviewView(Shape):
    """Everything of now. `figures` are per edge, in the order of `figure_names`; `sent_bytes` by
    kind are since this process first looked at each edge."""

    router: str
    workers: int
    started_at: float
    now: float
    polled: bool
    routers_heard: dict[str, float]
    sites: list[SiteView]
    resorts: list[ResortView]
    edges: dict[str, EdgeBelief]
    figure_names: list[str]
    figures: dict[str, list[float | None]]
    kinds: list[str]
    sample: dict[str, float]
    sent_bytes: dict[str, float]
    flows: list[FlowView]
    journal: list[EntryView]


class RingView(Shape):
    """Samples, the oldest first; null where nothing was seen."""

    step_seconds: int
    ended_at: float | None
    series: dict[str, list[float | None]]


class HistoryView(Shape):
    """The same series, finely for minutes and coarsely for hours."""

    fine: RingView
    coarse: RingView


class TitleView(Shape):
    """An object that viewers are sent for."""

    key: str
    per_second: float


class TitlesView(Shape):
    """The most asked first."""

    now: float
    titles: list[TitleView]
