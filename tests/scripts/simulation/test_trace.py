from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.cli.errors import FailedError
from scripts.simulation.trace import cut, read_trace, whole

HEAD = "time,key,size,offset\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(text)
    return path


def test_rows_become_units_and_titles_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "region,offset,size,key,time\n9,200,100,b,1.5\n9,0,100,a,2\n")
    trace = read_trace(path, None)
    assert list(trace.times) == [1.5, 2]
    assert list(zip(trace.numbers, trace.blocks, strict=True)) == [(0, 1), (1, 0)]
    assert trace.footprint_bytes == 200


def test_a_title_is_as_long_as_the_longest_unless_its_end_was_seen() -> None:
    rows = [(1.0, "film", 100, 400), (2.0, "browsed", 100, 0), (3.0, "poster", 7, 0)]
    rows += [(4.0, "short", 100, 100), (5.0, "short", 50, 200)]
    trace = whole(rows, Path("t"))
    assert trace.lengths == {0: 5, 1: 5, 2: 1, 3: 3}


def test_objects_asked_for_whole_have_one_unit() -> None:
    trace = whole([(1.0, "a", 7, 0), (2.0, "b", 900, 0)], Path("t"))
    assert trace.lengths == {0: 1, 1: 1}


def test_a_cut_trace_knows_the_blocks_of_an_edge() -> None:
    trace = cut([(1.0, "a", 100, 50), (2.0, "a", 10, 240)], 100)
    assert list(trace.blocks) == [0, 1, 2]
    assert list(trace.asked) == [50, 50, 10]
    assert list(trace.sizes) == [100, 100, 50]
    assert list(trace.opens) == [1, 0, 1]
    assert trace.lengths == {0: 3}
    assert trace.footprint_bytes == 250


rows = st.lists(
    st.tuples(st.just(1.0), st.sampled_from(["a", "b"]), st.integers(1, 500), st.integers(0, 500)),
    min_size=1,
    max_size=30,
)


@given(rows, st.integers(1, 300))
def test_cutting_loses_no_byte(rows: list[tuple[float, str, int, int]], block_bytes: int) -> None:
    trace = cut(rows, block_bytes)
    assert sum(trace.asked) == sum(size for _, _, size, _ in rows)
    assert sum(trace.opens) == len(rows)
    assert all(
        0 < asked <= size <= block_bytes
        for asked, size in zip(trace.asked, trace.sizes, strict=True)
    )


def test_an_access_log_is_cut_and_put_in_order(tmp_path: Path) -> None:
    def line(second: int, start: int) -> str:
        return json.dumps(
            {
                "time": f"2025-11-28T12:00:{second:02}.000Z",
                "path": "/a",
                "status": 206,
                "bytes": 1,
                "range": f"bytes={start}-{start + 99}",
            }
        )

    path = written(tmp_path, "\n".join([line(9, 0), line(3, 1 << 20)]) + "\n")
    assert list(read_trace(path, None).blocks) == [1, 0]
    assert list(read_trace(path, 100).blocks) == [10485, 10486, 0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "t.csv:1: neither"),
        ("time,key,size\n", "t.csv:1: neither"),
        (HEAD, "no requests"),
        (HEAD + "1,a,5,0\n1,a,5\n", "t.csv:3: not a request"),
        (HEAD + "1,a,x,0\n", "t.csv:2: not a request"),
        (HEAD + "1,a,0,0\n", "t.csv:2: size is at least 1"),
        (HEAD + "1,a,5,-1\n", "t.csv:2: size is at least 1"),
        (HEAD + "1,a,5,99999999999\n1,a,5,1\n", "give --block-bytes"),
        ('{"status": 200}\n', "t.csv:1: not a line"),
        ('{"status": 304}\n', "no answers with content"),
        ('{"status": 304}\nx\n', "t.csv:2: not a line"),
        ('{"status": 200,"sample":0.1}\n', "t.csv:1: the log has a share"),
    ],
)
def test_a_bad_file_is_said_to_be_so_with_its_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(FailedError, match=complaint):
        read_trace(written(tmp_path, text), None)
