"""Keys of variants, and how they are found again."""

from __future__ import annotations

from cdnkit.fields import FieldLines
from edge.cache.names import Names
from tests.edge.made import STRONG, an_entry

TURKISH = FieldLines([(b"accept-language", b"tr")])
NOTHING = FieldLines([])
VARYING = [STRONG, (b"vary", b"Accept-Language")]


def test_the_newest_answer_says_what_chooses_a_variant() -> None:
    names = Names()
    assert names.key_of(b"/a", TURKISH) == b"/a"
    names.vary(b"/a", an_entry(1, VARYING))
    assert names.key_of(b"/a", TURKISH) != names.key_of(b"/a", NOTHING)
    prefix = names.prefix_of_variants(b"/a")
    assert prefix is not None
    assert names.key_of(b"/a", TURKISH).startswith(prefix)
    names.vary(b"/a", an_entry(1))
    assert (names.key_of(b"/a", TURKISH), names.prefix_of_variants(b"/a")) == (b"/a", None)


def test_what_was_found_on_a_disk_is_known_by_its_fields_and_tags() -> None:
    before, names = Names(), Names()
    before.vary(b"/a", an_entry(1, VARYING))
    key = before.key_of(b"/a", TURKISH)
    entry = an_entry(1, [*VARYING, (b"cache-tag", b"t")], key=key)
    names.found(entry)
    assert names.key_of(b"/a", TURKISH) == key
    assert names.tags.bearers("t") == [entry]
