"""What is asked of trending titles, and what is answered."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Shape
from origin.catalog.films import Film
from origin.domains.trending.rules import FORMULA, WINDOWS_BEFORE

LIMIT_MAX: Final = 100


class TrendingQuery(Shape):
    """Which films are asked for."""

    region: str = Field(
        "",
        pattern=r"^([A-Z]{2})?$",
        description="Views from this country alone (ISO 3166-1); from everywhere when left out.",
    )
    category: str = Field(
        "", max_length=300, description="Only films of this category, by its id; all when left out."
    )
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), DIGITS] = 20


class TrendingView(Shape):
    """A film and how much it is watched of late."""

    id: str
    title: str
    year: int | None
    poster: str
    score: float


class Counting(Shape):
    """How scores come about. Times are in epoch seconds.

    A view is a profile's first play of a title within a window; windows begin at the multiples of
    `window_seconds` since the epoch. The window of `at` counts, and `windows_before` before it.
    """

    formula: str
    at: float
    half_life_seconds: float
    window_seconds: float
    windows_before: int


class TrendingAnswer(Shape):
    """Films, the most watched of late first, and how that was counted."""

    region: str
    category: str
    items: list[TrendingView]
    counting: Counting


def counting_view(at: float, half_life_seconds: float) -> Counting:
    """How scores as of a moment were counted."""
    return Counting(
        formula=FORMULA,
        at=at,
        half_life_seconds=half_life_seconds,
        window_seconds=half_life_seconds,
        windows_before=WINDOWS_BEFORE,
    )


def trending_view(film: Film, score: float) -> TrendingView:
    """A film as it is answered."""
    return TrendingView(
        id=film.id, title=film.title, year=film.year, poster=film.poster, score=score
    )
