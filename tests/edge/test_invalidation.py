"""What a successful unsafe method makes out of date (RFC 9111 4.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.invalidation import stale_targets
from tests.edge.made import an_answer

TARGET = b"/films/a?x=1"
HOST = b"edge.test:8080"

NAMED: dict[str, tuple[str, bytes | None]] = {
    "a path": ("Location: /films/b", b"/films/b"),
    "a relative path": ("Location: b", b"/films/b"),
    "dots": ("Location: ../c", b"/c"),
    "a query alone": ("Location: ?y=2", b"/films/a?y=2"),
    "the whole of our own": ("Location: http://edge.test:8080/d?q", b"/d?q"),
    "in capitals": ("Location: http://EDGE.test:8080/d", b"/d"),
    "with a fragment": ("Location: /e#top", b"/e"),
    "where the content is": ("Content-Location: /f", b"/f"),
    "another host": ("Location: http://other.test/films/b", None),
    "another port": ("Location: http://edge.test/films/b", None),
    "another host without a scheme": ("Content-Location: //other.test/b", None),
    "nonsense": ("Location: http://[", None),
}


@pytest.mark.parametrize(("line", "named"), NAMED.values(), ids=NAMED)
def test_what_the_answer_names_on_our_own_authority_is_stale_too(
    line: str, named: bytes | None
) -> None:
    stale = stale_targets(TARGET, an_answer(201, line, "Content-Length: 0"), HOST)
    assert stale == ({TARGET} if named is None else {TARGET, named})


def test_both_fields_count() -> None:
    answer = an_answer(201, "Location: /b", "Content-Location: /c", "Content-Length: 0")
    assert stale_targets(TARGET, answer, HOST) == {TARGET, b"/b", b"/c"}


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=60))
def test_whatever_is_named_the_target_itself_is_stale(value: str) -> None:
    value = value.replace("\x7f", "").replace("\x85", "").replace("\xa0", "")
    answer = an_answer(204, f"Location: {value}")
    stale = stale_targets(TARGET, answer, HOST)
    assert TARGET in stale
    assert len(stale) <= 2
