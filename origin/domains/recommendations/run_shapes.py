"""What operators see of runs of the batch job. What older runs did not write down is null."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from cdnkit.service.operations import Shape
from origin.catalog.recommended import Promotion, Run

NameOf = Callable[[str], str]
"""The name of a title, by its id."""


class RunPath(Shape):
    """One run."""

    id: str


class ComparisonPath(Shape):
    """Two runs."""

    id: str
    other: str


class LabelPath(Shape):
    """One side of an experiment."""

    label: Literal["control", "trial"]


class Choice(Shape):
    """What is to be shown."""

    run: str = Field(min_length=1, max_length=200)


class RunView(Shape):
    """A run. `made_at` is the moment of what it knew, in epoch seconds."""

    id: str
    made_at: float
    finished: bool
    shown_to: list[str] = Field(description="The labels that show it now.")
    engine: str | None
    events: int | None
    lists: int | None
    seconds: float | None
    ndcg10: float | None = Field(description="Of our lists, as in `quality` of the run's page.")


class RunList(Shape):
    """Runs, the newest first."""

    items: list[RunView]


class Inputs(Shape):
    """What a run was made from."""

    snapshot: str
    events: int
    titles: int
    days: int
    size_bytes: int


class Stage(Shape):
    """A part of the job, and the rows it came to."""

    name: str
    seconds: float
    rows: int


class Model(Shape):
    """How well one way of making lists finds the title that each profile watched last."""

    name: str
    ndcg10: float
    recall20: float


class Quality(Shape):
    """Ours beside what is popular, over so many profiles."""

    profiles: int
    models: list[Model]


class Coverage(Shape):
    """Titles that are in any list, of all titles there were."""

    titles: int
    of: int


class Novelty(Shape):
    """Bits of surprise of a title shown: 1 for what every second profile knows, 10 for what one in
    a thousand knows.
    """

    name: str
    bits: float


class Named(Shape):
    """A title."""

    id: str
    title: str


class Pair(Shape):
    """Two titles that are watched near each other, by so many profiles."""

    one: Named
    other: Named
    similarity: float
    support: int


class RunDetail(RunView):
    """A run with all that is known of it."""

    inputs: Inputs | None
    stages: list[Stage]
    quality: Quality | None
    coverage: Coverage | None
    reasoned: float | None = Field(description="Share of the titles shown that have a reason.")
    novelty: list[Novelty]
    pairs: list[Pair]
    terms: dict[str, float]


class Comparison(Shape):
    """How alike the lists of two runs are, over profiles that both have lists for.

    `same_of_ten` counts profiles by how many of their first ten titles are the same: from none,
    at 0, to all, at 10.
    """

    one: RunDetail
    other: RunDetail
    profiles: int
    same_of_ten: list[int]
    same_first: int


class Shown(Shape):
    """What a label shows; null where it shows what the control group sees."""

    label: str
    run: str | None


class PromotionView(Shape):
    """Who showed what to whom; `run` is null where a label was withdrawn."""

    at: float
    label: str
    run: str | None
    before: str | None
    made_by: str


class PromotionList(Shape):
    """The newest first."""

    items: list[PromotionView]


def run_view(run: Run, shown: Mapping[str, str]) -> RunView:
    """A run as a line of a list."""
    return RunView(**_line(run, shown))


def run_detail(run: Run, shown: Mapping[str, str], name_of: NameOf) -> RunDetail:
    """A run as a page."""
    said = run.detail
    return RunDetail(
        **_line(run, shown),
        inputs=_inputs(said),
        stages=[Stage(**each) for each in said.get("stages", ())],
        quality=Quality(**said["quality"]) if "quality" in said else None,
        coverage=Coverage(**said["coverage"]) if "coverage" in said else None,
        reasoned=said.get("reasoned"),
        novelty=[Novelty(name=name, bits=bits) for name, bits in said.get("novelty", {}).items()],
        pairs=[_pair(each, name_of) for each in said.get("pairs", ())],
        terms=dict(said.get("terms", {})),
    )


def promotion_view(promotion: Promotion) -> PromotionView:
    """An entry of the journal."""
    return PromotionView(
        at=promotion.at,
        label=promotion.label,
        run=promotion.run or None,
        before=promotion.before or None,
        made_by=promotion.made_by,
    )


def _line(run: Run, shown: Mapping[str, str]) -> dict[str, Any]:
    said = run.detail
    stages: Sequence[Mapping[str, Any]] = said.get("stages", ())
    return {
        "id": run.id,
        "made_at": run.made_at,
        "finished": run.is_finished,
        "shown_to": sorted(label for label, name in shown.items() if name == run.id),
        "engine": said.get("engine"),
        "events": said["inputs"]["events"] if "inputs" in said else None,
        "lists": said.get("lists"),
        "ndcg10": said["quality"]["models"][0]["ndcg10"] if "quality" in said else None,
        "seconds": round(sum(each["seconds"] for each in stages), 3) if stages else None,
    }


def _inputs(said: Mapping[str, Any]) -> Inputs | None:
    return Inputs(**said["inputs"]) if "inputs" in said else None


def _pair(said: Mapping[str, Any], name_of: NameOf) -> Pair:
    one, other = (Named(id=said[key], title=name_of(said[key])) for key in ("title", "other"))
    return Pair(one=one, other=other, similarity=said["similarity"], support=said["support"])
