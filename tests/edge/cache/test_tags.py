"""Tags of stored answers, from both fields that carry them."""

from __future__ import annotations

import pytest

from cdnkit.fields import FieldLines
from edge.cache.tags import TAGS_MAX, Tags, tags_of
from tests.edge.made import an_entry


@pytest.mark.parametrize(
    ("pairs", "tags"),
    [
        ([], ()),
        ([(b"cache-tag", b"a, b ,,c"), (b"cache-tag", b"a")], ("a", "b", "c")),
        ([(b"cache-groups", b'"a b";x=1, "q\\"", token, 5, ("i")')], ("a b", 'q"')),
        ([(b"cache-groups", b'"a", "unclosed')], ()),
        ([(b"cache-tag", b"a"), (b"cache-groups", b'"b", "a"')], ("a", "b")),
        ([(b"cache-tag", b"x" * 2000)], ()),
    ],
)
def test_tags_are_read(pairs: list[tuple[bytes, bytes]], tags: tuple[str, ...]) -> None:
    assert tags_of(FieldLines(pairs)) == tags


def test_the_tags_of_one_answer_are_bounded() -> None:
    text = ",".join(str(number) for number in range(1000)).encode()
    assert len(tags_of(FieldLines([(b"cache-tag", text)]))) == TAGS_MAX


def test_bearers_follow_what_entries_say() -> None:
    tags = Tags()
    one, two = an_entry(1, [(b"cache-tag", b"a,b")]), an_entry(1, [(b"cache-tag", b"a")])
    tags.note(one)
    tags.note(two)
    assert set(tags.bearers("a")) == {one, two}
    tags.forget(two)
    one.renew(an_entry(1, [(b"cache-tag", b"c")]).head)
    tags.note(one)
    tags.note(one)
    assert (tags.bearers("a"), tags.bearers("c")) == ([], [one])
    tags.forget(one)
    tags.forget(one)
    assert tags.bearers("c") == []
