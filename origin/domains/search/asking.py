"""From a query that was understood to one of the index, and the filters around it.

Built of plain parts, never parsed: nothing a viewer types is syntax. Scores are the constants of
`rules`, so what a match weighs does not depend on how rare a word is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import tantivy
from tantivy import Occur, Query

from origin.catalog.films import YEARS
from origin.domains.search.rules import (
    BROAD_CHARACTERS,
    JOINED,
    OVERVIEW,
    PEOPLE,
    TITLE,
    WHOLE,
    WHOLE_CHARACTERS_MAX,
    Asked,
    AskedWord,
)
from origin.domains.search.schema import STAMP_ID

_YEAR_WEIGHT = 8.0
_STOP_WEIGHT = 0.5
_TIE_BREAKER = 0.0
_HIDDEN_SETS_KEPT = 64


@dataclass(frozen=True, slots=True)
class Filters:
    """Which films may be found at all."""

    genre: str = ""
    """A path as `genre_paths` makes it; empty for all, as everywhere here."""
    language: str = ""
    year_from: int = YEARS.start
    year_to: int = YEARS.stop
    """The last year."""
    age_max: int = 99
    hidden: frozenset[str] = field(default=frozenset())
    """Ids that are not to be seen."""

    @property
    def has_years(self) -> bool:
        """Whether films without a year are left out."""
        return self.year_from > YEARS.start or self.year_to < YEARS.stop


class Asker:
    """Makes queries for one schema."""

    def __init__(self, schema: tantivy.Schema) -> None:
        self._schema = schema
        self._hide = lru_cache(_HIDDEN_SETS_KEPT)(self._hide_all)

    def films(
        self, asked: Asked, filters: Filters, *, missing_max: int = 0, is_ranked: bool = True
    ) -> Query:
        """Films that match, all but `missing_max` of the words each.

        Unranked it finds the same films faster, for who only counts them.
        """
        parts = [(Occur.Must, part) for part in self._restrictions(filters)]
        parts += [(Occur.MustNot, part) for part in self._exclusions(filters)]
        parts.append((Occur.Must, self._text(asked, missing_max)))
        if is_ranked:
            extras = [*self._whole(asked), *self._stop_words(asked)]
            parts += [(Occur.Should, part) for part in extras]
        return Query.boolean_query(parts)

    def those(self, ids: Sequence[str]) -> Query:
        """These films and no others."""
        return Query.term_set_query(self._schema, "id", list(ids))

    def _text(self, asked: Asked, missing_max: int) -> Query:
        if not asked.words:
            return Query.all_query()
        parts = [(Occur.Should, self._word(word)) for word in asked.needed]
        count = max(1, len(parts) - missing_max)
        texts = [Query.boolean_query(parts, minimum_number_should_match=count)]
        texts += self._as_one_word(asked)
        return Query.disjunction_max_query(texts, _TIE_BREAKER)

    def _word(self, word: AskedWord) -> Query:
        parts = [*self._titles(word)]
        if not word.is_broad:
            parts += self._elsewhere(word)
        if word.year is not None:
            parts.append(self._exact("year", word.year, _YEAR_WEIGHT))
        return Query.disjunction_max_query(parts, _TIE_BREAKER)

    def _titles(self, word: AskedWord) -> Iterator[Query]:
        yield self._exact("title", word.text, TITLE.exact)
        if word.is_begun:
            # One letter begins a word of nearly every film; it may only begin a title.
            field = "whole" if len(word.text) == 1 else "title"
            yield self._near(field, word.text, 0, TITLE.prefix, is_begun=True)
            if word.distance:
                yield self._near("title", word.text, 1, TITLE.near[0], is_begun=True)
        if word.distance > (1 if word.is_begun else 0):
            # Two letters off and open at the end would be nearly everything.
            yield self._near("title", word.text, word.distance, TITLE.near[word.distance - 1])

    def _elsewhere(self, word: AskedWord) -> Iterator[Query]:
        yield self._exact("overview", word.text, OVERVIEW)
        for name, weights in (("people", PEOPLE), ("joined", JOINED)):
            yield self._exact(name, word.text, weights.exact)
            if word.is_begun:
                yield self._near(name, word.text, 0, weights.prefix, is_begun=True)
            distance = min(word.distance, len(weights.near))
            if distance:
                yield self._near(name, word.text, distance, weights.near[distance - 1])

    def _whole(self, asked: Asked) -> Iterator[Query]:
        """What a film gains whose title is the query, or begins with it."""
        text = asked.whole
        if not 0 < len(text) <= WHOLE_CHARACTERS_MAX:
            return
        parts = [self._exact("whole", text, WHOLE.exact)]
        if asked.is_begun and len(text) >= BROAD_CHARACTERS:
            parts.append(self._near("whole", text, 0, WHOLE.prefix, is_begun=True))
        distance = max(word.distance for word in asked.words)
        if distance:
            parts.append(self._near("whole", text, distance, WHOLE.near[distance - 1]))
        yield Query.disjunction_max_query(parts, _TIE_BREAKER)

    def _as_one_word(self, asked: Asked) -> Iterator[Query]:
        """Films whose title has the whole query as one word."""
        text = asked.whole.replace(" ", "")
        if len(asked.words) < 2 or not 4 <= len(text) <= WHOLE_CHARACTERS_MAX:
            return
        weight = TITLE.exact * len(asked.words)
        parts = [self._exact(name, text, weight) for name in ("title", "joined")]
        if any(word.distance for word in asked.words):
            parts.append(self._near("title", text, 1, weight / 2))
        yield Query.disjunction_max_query(parts, _TIE_BREAKER)

    def _stop_words(self, asked: Asked) -> Iterator[Query]:
        return (
            self._exact("title", word.text, _STOP_WEIGHT) for word in asked.words if word.is_stop
        )

    def _restrictions(self, filters: Filters) -> Iterator[Query]:
        unsigned = tantivy.FieldType.Unsigned
        if filters.genre:
            yield self._exact("genre", filters.genre, 0.0)
        if filters.language:
            yield self._exact("language", filters.language, 0.0)
        if filters.has_years:
            years = max(0, filters.year_from), max(0, filters.year_to)
            found = Query.range_query(self._schema, "year", unsigned, *years)
            yield Query.const_score_query(found, 0.0)
        found = Query.range_query(self._schema, "age", unsigned, 0, max(0, filters.age_max))
        yield Query.const_score_query(found, 0.0)

    def _exclusions(self, filters: Filters) -> Iterator[Query]:
        yield Query.term_query(self._schema, "id", STAMP_ID, "basic")
        if filters.hidden:
            yield self._hide(filters.hidden)

    def _hide_all(self, hidden: frozenset[str]) -> Query:
        return Query.term_set_query(self._schema, "id", list(hidden))

    def _exact(self, field: str, value: str | int, weight: float) -> Query:
        return Query.const_score_query(
            Query.term_query(self._schema, field, value, "basic"), weight
        )

    def _near(
        self, field: str, text: str, distance: int, weight: float, *, is_begun: bool = False
    ) -> Query:
        found = Query.fuzzy_term_query(self._schema, field, text, distance, True, is_begun)
        return Query.const_score_query(found, weight)
