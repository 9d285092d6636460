"""Spans cover the file once, and begin where extents begin."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from scripts.ingest_client.plan import Span, pause_seconds, split


@given(st.integers(0, 10_000), st.integers(1, 1000), st.integers(1, 20))
def test_spans_are_the_file(size_bytes: int, extent_bytes: int, streams: int) -> None:
    spans = split(size_bytes, extent_bytes, streams)
    assert 1 <= len(spans) <= streams
    assert spans[0].start == 0
    assert spans[-1].stop == size_bytes
    assert all(a.stop == b.start for a, b in itertools.pairwise(spans))
    assert all(span.start % extent_bytes == 0 for span in spans)
    assert size_bytes == 0 or all(span.size_bytes > 0 for span in spans)


def test_spans_are_nearly_alike() -> None:
    assert split(1000, 100, 4) == [Span(0, 200), Span(200, 500), Span(500, 700), Span(700, 1000)]


@given(st.integers(1, 60))
def test_pauses_grow_and_end(failures: int) -> None:
    assert 0.5 <= pause_seconds(failures) <= pause_seconds(failures + 1) <= 30.0
