"""What search and suggestions take and answer."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from cdnkit.service.binding import DIGITS
from cdnkit.service.operations import Shape
from origin.catalog.audience import Audience
from origin.catalog.films import YEARS, Film
from origin.domains.search.asking import Filters
from origin.domains.search.rules import QUERY_CHARACTERS_MAX, Asked
from origin.domains.search.schema import genre_paths
from origin.domains.search.snippets import cut_snippet

LIMIT_MAX: Final = 50
SUGGESTIONS_MAX: Final = 20

_Text = Annotated[str, Field(max_length=QUERY_CHARACTERS_MAX)]
_Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,35}$")]
_Year = Annotated[int, Field(ge=YEARS.start, le=YEARS.stop), DIGITS]


class SearchQuery(Shape):
    """What is looked for. The last word of `q` may be half typed unless something follows it."""

    q: _Text = Field("", description="Words of titles, people, overviews; none for the newest.")
    genre: _Text = Field("", description="Only this one and those below it, as in Drama/Crime.")
    language: _Tag = Field("", description="Only films in this one; en finds en-GB as well.")
    year_from: _Year = YEARS.start
    year_to: _Year = Field(YEARS.stop, description="The last year.")
    age_max: Annotated[int, Field(ge=0, le=99), DIGITS] = Field(
        99, description="Only films for people of this age; a profile's own limit stays."
    )
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX), DIGITS] = 20


class SuggestQuery(Shape):
    """What is being typed."""

    q: _Text = ""
    limit: Annotated[int, Field(ge=1, le=SUGGESTIONS_MAX), DIGITS] = 8


class SnippetView(Shape):
    """A part of the overview; marks are [start, stop) in characters (code points) of `text`."""

    text: str
    marks: list[tuple[int, int]]


class HitView(Shape):
    """A film that was found."""

    id: str
    title: str
    year: int | None
    poster: str
    snippet: SnippetView
    score: float


class FacetView(Shape):
    """How many of the films found have a value."""

    value: str
    count: int


class SearchAnswer(Shape):
    """Films, the best first, and how many there are of what kind.

    `building` says that the index is being made and not everything can be found yet.
    """

    items: list[HitView]
    total: int
    facets: dict[str, list[FacetView]]
    took_ms: float
    building: bool


class SuggestionView(Shape):
    """A title to choose."""

    id: str
    title: str
    year: int | None


class Suggestions(Shape):
    """Titles that what is typed may become, each name once."""

    items: list[SuggestionView]


def filters_of(query: SearchQuery, audience: Audience) -> Filters:
    """What somebody may find of what they ask for; the strictest age counts."""
    paths = genre_paths(query.genre)
    return Filters(
        genre=paths[-1] if paths else "",
        language=query.language.lower(),
        year_from=query.year_from,
        year_to=query.year_to,
        age_max=min(query.age_max, audience.age_max),
        hidden=audience.hidden,
    )


def hit_view(film: Film, score: float, asked: Asked) -> HitView:
    """A film as it is answered."""
    snippet = cut_snippet(film.overview, asked)
    return HitView(
        id=film.id,
        title=film.title,
        year=film.year,
        poster=film.poster,
        snippet=SnippetView(text=snippet.text, marks=list(snippet.marks)),
        score=round(score, 3),
    )
