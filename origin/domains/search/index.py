"""The tantivy index in its folder: opened or begun anew, written, searched. Blocking.

A commit holds the changes together with the place up to which they are complete, so whatever moment
the process dies in, the index says itself from where to go on. What cannot be read raises
IndexBrokenError; whoever keeps the index removes it and builds another. One process writes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tantivy

from origin.catalog.films import Film
from origin.domains.search.asking import Asker, Filters
from origin.domains.search.rules import Asked, readings
from origin.domains.search.schema import (
    SCHEMA_VERSION,
    STAMP_ID,
    WEIGHT_UNIT,
    make_document,
    make_schema,
    make_stamp,
    register_words,
)

NOTHING: Final = -1
"""The place of an index that holds nothing yet."""

_HEAP_BYTES: Final = 32_000_000
_PANIC: Final = "PanicException"
_FACET_VALUES_MAX: Final = 200
_DECADE: Final = 10


class IndexBrokenError(Exception):
    """The files of the index are not what they should be."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ids with their scores, the best first; how many there are in all; counts by facet."""

    hits: tuple[tuple[str, float], ...] = ()
    total: int = 0
    facets: Mapping[str, tuple[tuple[str, int], ...]] | None = None


class FilmIndex:
    """An opened index. Made by `open_index`; one thread writes, any searches."""

    def __init__(self, index: tantivy.Index, schema: tantivy.Schema) -> None:
        self._index = index
        self._schema = schema
        self._asker = Asker(schema)
        self._writer = index.writer(_HEAP_BYTES, 1)
        self._searcher = index.searcher()
        self._is_closed = False
        self.place = _read_place(self._searcher, schema)

    def __len__(self) -> int:
        """How many films it holds."""
        return self._searcher.num_docs - (self.place != NOTHING)

    def apply(self, changes: Mapping[str, Film | None], place: int, *, is_all: bool) -> None:
        """Take in films by id, None for those that are gone; then it is complete up to `place`.

        With `is_all` nothing else stays. Raises IndexBrokenError.
        """
        with _broken_is_told():
            if is_all:
                self._writer.delete_all_documents()
            else:
                for film_id in changes:
                    self._writer.delete_documents_by_term("id", film_id)
                self._writer.delete_documents_by_term("id", STAMP_ID)
            for film in changes.values():
                if film is not None:
                    self._writer.add_document(make_document(film, self._schema))
            stamp = json.dumps({"schema": SCHEMA_VERSION, "place": place})
            self._writer.add_document(make_stamp(stamp, self._schema))
            self._writer.commit()
            self._index.reload()
            self._searcher = self._index.searcher()
        self.place = place

    def versions(self) -> frozenset[int]:
        """What `version_of` says of each film it holds. Raises IndexBrokenError."""
        searcher = self._searcher
        with _broken_is_told():
            everything = searcher.search(tantivy.Query.all_query(), max(1, searcher.num_docs))
            addresses = [address for _, address in everything.hits]
            values = searcher.fast_field_values("version", addresses)
            return frozenset(int(value) for value in values if value is not None)

    def find(self, asked: Asked, filters: Filters, limit: int, *, with_facets: bool) -> Found:
        """The best matches of the strictest reading of the query that finds what may be meant.

        Raises IndexBrokenError.
        """
        with _broken_is_told():
            return self._find(self._searcher, asked, filters, limit, with_facets)

    def _find(
        self,
        searcher: tantivy.Searcher,
        asked: Asked,
        filters: Filters,
        limit: int,
        with_facets: bool,
    ) -> Found:
        by: dict[str, Any] = (
            {"weight_by_field": "weight"} if asked.words else {"order_by_field": "year"}
        )
        ways = readings(asked)
        for number, way in enumerate(ways, 1):
            query = self._asker.films(way.asked, filters, missing_max=way.missing_max)
            # The library's type stub leaves `count` out.
            found: Any = searcher.search(query, limit, **by)
            scores = [_score(each) for each, _ in found.hits]
            if number == len(ways) or (scores and way.suffices(scores)):
                break
        ids = [_id(searcher, address) for _, address in found.hits]
        facets = None
        if with_facets and found.count <= len(ids):
            facets = _facets(searcher, self._asker.those(ids))
        elif with_facets:
            counted = self._asker.films(
                way.asked, filters, missing_max=way.missing_max, is_ranked=False
            )
            facets = _facets(searcher, counted)
        return Found(tuple(zip(ids, scores, strict=True)), found.count, facets)

    def close(self) -> None:
        """Let merges under way end. Nothing can be written any more."""
        if not self._is_closed:
            self._is_closed = True
            with _broken_is_told():
                self._writer.wait_merging_threads()


def open_index(folder: Path, report: Callable[[str], None]) -> FilmIndex:
    """The index in `folder`; what is no index of ours and of today makes room for a new one."""
    try:
        return _open(folder)
    except (IndexBrokenError, OSError) as error:
        report(f"the search index is built anew: {error}")
    remove_index(folder)
    return _open(folder)


def remove_index(folder: Path) -> None:
    """Leave nothing of an index."""
    shutil.rmtree(folder, ignore_errors=True)


def _open(folder: Path) -> FilmIndex:
    folder.mkdir(parents=True, exist_ok=True)
    schema = make_schema()
    with _broken_is_told():
        index = tantivy.Index(schema, path=str(folder))
        register_words(index)
        opened = FilmIndex(index, schema)
        opened.find(Asked(()), Filters(), 1, with_facets=True)
        return opened


def _read_place(searcher: tantivy.Searcher, schema: tantivy.Schema) -> int:
    """The place of the stamp; NOTHING without one, or of another version."""
    found = searcher.search(tantivy.Query.term_query(schema, "id", STAMP_ID, "basic"), 1)
    if not found.hits:
        return NOTHING
    stamp = json.loads(searcher.doc(found.hits[0][1]).get_first("stamp") or "{}")
    return int(stamp["place"]) if stamp.get("schema") == SCHEMA_VERSION else NOTHING


def _id(searcher: tantivy.Searcher, address: tantivy.DocAddress) -> str:
    return str(searcher.doc(address).get_first("id"))


def _score(by: Any) -> float:
    return float(by or 0.0) / WEIGHT_UNIT


def _facets(
    searcher: tantivy.Searcher, query: tantivy.Query
) -> dict[str, tuple[tuple[str, int], ...]]:
    counted = searcher.aggregate(
        query,
        {
            "genres": {"terms": {"field": "genre_name", "size": _FACET_VALUES_MAX}},
            "languages": {"terms": {"field": "language_name", "size": _FACET_VALUES_MAX}},
            "decades": {"histogram": {"field": "year", "interval": _DECADE, "min_doc_count": 1}},
        },
    )
    return {name: tuple(_buckets(each["buckets"])) for name, each in counted.items()}


def _buckets(buckets: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    for bucket in buckets:
        key = bucket["key"]
        yield (f"{key:.0f}" if isinstance(key, float) else str(key)), int(bucket["doc_count"])


@contextmanager
def _broken_is_told() -> Iterator[None]:
    """Whatever the library raises of its files, its panics included, as IndexBrokenError."""
    try:
        yield
    except IndexBrokenError:
        raise
    except Exception as error:
        raise IndexBrokenError(str(error)[:200]) from error
    except BaseException as error:
        # A panic of the library's is no Exception, and its class has no name to import.
        if type(error).__name__ != _PANIC:
            raise
        raise IndexBrokenError(str(error)[:200]) from error
