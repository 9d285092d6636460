"""Films in groups: genres in their tree, tags, people, collections. Pure.

A group is named by its kind and the words of its name: `genre.drama.crime` (below `genre.drama`),
`tag.heist`, `person.kay-hammond`, `collection.the-godfather`. A name without a letter or digit
makes no group. Lists are in the order newest first, then by id.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from origin.catalog.audience import Audience
from origin.catalog.films import YEARS, Film
from origin.catalog.words import slug

GENRE: Final = "genre"
TAG: Final = "tag"
PERSON: Final = "person"
COLLECTION: Final = "collection"
ALL: Final = "all"
"""The group that every film is in."""

FACET_VALUES_MAX: Final = 100
Order: TypeAlias = Literal["newest", "oldest", "title"]
_Key: TypeAlias = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Card:
    """What a list shows of a film, and what it is chosen by."""

    id: str
    title: str
    year: int | None
    poster: str
    age: int
    genres: tuple[str, ...]
    languages: tuple[str, ...]

    @property
    def key(self) -> _Key:
        """Its place in lists."""
        return -(self.year or 0), self.id


@dataclass(frozen=True, slots=True)
class Group:
    """Some films with a name; `parent` is the id of the group it is part of, or empty."""

    id: str
    kind: str
    name: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which films of a group are wanted."""

    year_from: int = YEARS.start
    year_to: int = YEARS.stop
    """The last year."""
    language: str = ""

    def fits(self, card: Card) -> bool:
        """Whether a film is one of them."""
        if self.language and not any(speaks(each, self.language) for each in card.languages):
            return False
        if self.year_from == YEARS.start and self.year_to == YEARS.stop:
            return True
        return card.year is not None and self.year_from <= card.year <= self.year_to


class Groups:
    """All films and the groups they are in."""

    def __init__(self) -> None:
        self._cards: dict[str, Card] = {}
        self._groups_of: dict[str, tuple[str, ...]] = {}
        self._groups: dict[str, Group] = {}
        self._members: dict[str, dict[str, str]] = {}
        self._sorted: dict[str, list[_Key]] = {}

    def put(self, film: Film) -> None:
        """Add a film, or take its new description."""
        self.remove(film.id)
        self._cards[film.id] = _card(film)
        roles = dict(_roles(film))
        for group, role in roles.items():
            self._groups.setdefault(group.id, group)
            self._members.setdefault(group.id, {})[film.id] = role
            self._sorted.pop(group.id, None)
        self._groups_of[film.id] = tuple(group.id for group in roles)

    def remove(self, film_id: str) -> None:
        """Forget a film; unknown ones are no error."""
        self._cards.pop(film_id, None)
        for group_id in self._groups_of.pop(film_id, ()):
            self._sorted.pop(group_id, None)
            members = self._members[group_id]
            del members[film_id]
            if not members:
                del self._members[group_id], self._groups[group_id]

    def find(self, group_id: str) -> Group | None:
        """A group that has films."""
        return self._groups.get(group_id)

    def card(self, film_id: str) -> Card | None:
        """A film."""
        return self._cards.get(film_id)

    def members(self, group_id: str) -> Collection[str] | None:
        """Ids of the films of a group; None when there is no such group."""
        found = self._members.get(group_id)
        return None if found is None else found.keys()

    def role(self, group_id: str, film_id: str) -> str:
        """What a person did in a film; empty for other groups."""
        return self._members.get(group_id, {}).get(film_id, "")

    def counted(self, kind: str, audience: Audience) -> list[tuple[Group, int]]:
        """The groups of a kind and how many films of each may be seen, by id; none without any."""
        groups = sorted((g for g in self._groups.values() if g.kind == kind), key=lambda g: g.id)
        counts = ((group, self.count(group.id, audience)) for group in groups)
        return [(group, count) for group, count in counts if count]

    def count(self, group_id: str, audience: Audience) -> int:
        """How many films of a group may be seen."""
        members = self._members.get(group_id, {})
        return sum(audience.may_see(each, self._cards[each].age) for each in members)

    def films(
        self, group_id: str, audience: Audience, wish: Wish, after: _Key | None = None
    ) -> Iterator[Card]:
        """The films of a group that may be seen and are wanted, those behind `after`."""
        keys = self._in_order(group_id)
        start = 0 if after is None else bisect_right(keys, after)
        for number in range(start, len(keys)):
            card = self._cards[keys[number][1]]
            if audience.may_see(card.id, card.age) and wish.fits(card):
                yield card

    def _in_order(self, group_id: str) -> list[_Key]:
        keys = self._sorted.get(group_id)
        if keys is None:
            members = self._members.get(group_id, {})
            keys = self._sorted[group_id] = sorted(self._cards[each].key for each in members)
        return keys


def format_place(card: Card) -> str:
    """The `next` of a page that ends with this film."""
    return f"{card.year or 0}.{card.id}"


def parse_place(text: str) -> _Key | None:
    """The place behind which a page begins; None for what is no place."""
    year, _, film_id = text.partition(".")
    if not (year.isascii() and year.isdigit() and len(year) <= 4 and film_id):
        return None
    return -int(year), film_id


def facets(cards: Iterable[Card]) -> dict[str, list[tuple[str, int]]]:
    """How many of the films have which genre, language and decade; the most frequent first."""
    genres: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    decades: Counter[str] = Counter()
    for card in cards:
        genres.update(card.genres)
        languages.update(card.languages)
        if card.year is not None:
            decades[str(card.year // 10 * 10)] += 1
    return {
        "genres": genres.most_common(FACET_VALUES_MAX),
        "languages": languages.most_common(FACET_VALUES_MAX),
        "decades": sorted(decades.items()),
    }


def in_order(cards: Iterable[Card], order: Order) -> Sequence[Card]:
    """Films that are newest first, in another order."""
    if order == "oldest":
        return sorted(cards, key=lambda card: (card.year is None, card.year or 0, card.id))
    if order == "title":
        return sorted(cards, key=lambda card: (card.title.casefold(), card.id))
    return list(cards)


def speaks(tag: str, wanted: str) -> bool:
    """Whether a BCP 47 tag is the wanted one or one of its language: en-GB is en."""
    tag, wanted = tag.lower(), wanted.lower()
    return tag == wanted or tag.startswith(f"{wanted}-")


def group_id(kind: str, name: str) -> str:
    """The id of a group that is called so; its kind and a dot when the name has no word."""
    return f"{kind}.{slug(name)}"


def _card(film: Film) -> Card:
    return Card(film.id, film.title, film.year, film.poster, film.age, film.genres, film.languages)


def _roles(film: Film) -> Iterator[tuple[Group, str]]:
    yield Group(ALL, ALL, ALL), ""
    for genre in film.genres:
        yield from ((group, "") for group in _branch(genre))
    named = [(TAG, name) for name in film.tags]
    named += [(COLLECTION, name) for name in film.collections]
    for kind, name in named:
        if slug(name):
            yield Group(group_id(kind, name), kind, name), ""
    for person in film.people:
        if slug(person.name):
            yield Group(group_id(PERSON, person.name), PERSON, person.name), person.role


def _branch(genre: str) -> Iterator[Group]:
    """A genre and those above it, from the top."""
    parent = ""
    for part in genre.split("/"):
        name = part.strip()
        if slug(name):
            own = f"{parent}.{slug(name)}" if parent else group_id(GENRE, name)
            yield Group(own, GENRE, name, parent)
            parent = own
