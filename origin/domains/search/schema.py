"""The fields of the index, and what of a film goes into each.

Text goes in folded (`origin.catalog.words`), so that the index only has to cut it at spaces.
`SCHEMA_VERSION` changes with anything here or in the folding: an index of another version is built
anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final

import tantivy

from origin.catalog.films import Film
from origin.catalog.words import plain_words, slug
from origin.domains.search.rules import WHOLE_CHARACTERS_MAX, brevity

SCHEMA_VERSION: Final = 1
STAMP_ID: Final = "~stamp"
"""The id of the document that says up to where the index is right; no title can have it."""

WEIGHT_UNIT: Final = math.log2(3.0)
"""What a factor of 1 multiplies scores by."""

WORDS: Final = "words"
_ARTICLES: Final = frozenset(("a", "an", "the"))
_WORD_FIELDS: Final = ("title", "people", "overview")
_EXACT_FIELDS: Final = ("id", "whole", "joined", "genre", "language")
_FACET_FIELDS: Final = ("genre_name", "language_name")
_NUMBER_FIELDS: Final = ("year", "age", "version")
_VERSION_BYTES: Final = 7


def make_schema() -> tantivy.Schema:
    """The fields."""
    builder = tantivy.SchemaBuilder()
    for name in _WORD_FIELDS:
        builder.add_text_field(name, tokenizer_name=WORDS, index_option="basic")
    for name in _EXACT_FIELDS:
        builder.add_text_field(
            name, stored=name == "id", tokenizer_name="raw", index_option="basic"
        )
    for name in _FACET_FIELDS:
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    for name in _NUMBER_FIELDS:
        builder.add_unsigned_field(name, indexed=True, fast=True)
    builder.add_float_field("weight", fast=True)
    builder.add_text_field("stamp", stored=True, tokenizer_name="raw", index_option="basic")
    return builder.build()


def register_words(index: tantivy.Index) -> None:
    """Teach an opened index how our text is cut."""
    cut = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer(WORDS, cut)


def make_document(film: Film, schema: tantivy.Schema) -> tantivy.Document:
    """A film as the index takes it."""
    titles = [plain_words(text) for text in (film.title, film.original_title) if text]
    members: dict[str, Any] = {
        "id": film.id,
        "title": _join(titles),
        "whole": sorted({text for words in titles for text in _wholes(words)}),
        "joined": sorted({text for words in titles for text in _joined(words)}),
        "people": " ".join(plain_words(" ".join(each.name for each in film.people))),
        "overview": " ".join(plain_words(film.overview)),
        "genre": sorted({path for genre in film.genres for path in genre_paths(genre)}),
        "language": sorted({tag for each in film.languages for tag in language_tags(each)}),
        "genre_name": list(film.genres),
        "language_name": list(film.languages),
        "age": film.age,
        "version": version_of(film.id, film.etag),
        "weight": format_weight(brevity(len(titles[0]) if titles else 0)),
    }
    if film.year is not None:
        members["year"] = film.year
    return tantivy.Document.from_dict(members, schema)


def version_of(film_id: str, etag: str) -> int:
    """A number for one version of one film, by which an index is compared with the catalog."""
    text = f"{film_id} {etag}".encode()
    return int.from_bytes(blake2b(text, digest_size=_VERSION_BYTES).digest())


def format_weight(factor: float) -> float:
    """The field by which the index multiplies scores as `factor` wants, up to `WEIGHT_UNIT`.

    It multiplies by log2(2 + field).
    """
    return float(2.0 ** (factor * WEIGHT_UNIT) - 2.0)


def make_stamp(text: str, schema: tantivy.Schema) -> tantivy.Document:
    """The document that says up to where the index is right."""
    return tantivy.Document.from_dict({"id": STAMP_ID, "stamp": text}, schema)


def genre_paths(genre: str) -> list[str]:
    """A genre and those it is part of: "Drama/Crime" is found by "drama" as well."""
    parts = [part for part in map(slug, genre.split("/")) if part]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def language_tags(tag: str) -> list[str]:
    """A BCP 47 tag and its language alone, in small letters."""
    lowered = tag.lower()
    return [lowered, lowered.partition("-")[0]]


def _join(titles: Iterable[Sequence[str]]) -> str:
    return " ".join(word for words in titles for word in words)


def _wholes(words: Sequence[str]) -> list[str]:
    """A title as one text, with and without the article it begins with."""
    bare = words[1:] if len(words) > 1 and words[0] in _ARTICLES else words
    texts = (" ".join(words), " ".join(bare))
    return [text for text in texts if 0 < len(text) <= WHOLE_CHARACTERS_MAX]


def _joined(words: Sequence[str]) -> list[str]:
    """Words that stand side by side written as one: "spider man" is found by "spiderman"."""
    texts = [first + second for first, second in pairwise(words)]
    texts.append("".join(words))
    return [text for text in texts if 0 < len(text) <= WHOLE_CHARACTERS_MAX]
