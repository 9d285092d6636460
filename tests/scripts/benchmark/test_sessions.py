from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.benchmark.counting_origin import BLOCK_BYTES
from scripts.benchmark.sessions import Piece, measure, read_sessions
from scripts.cli.errors import FailedError

MIB = 1 << 20


def test_sessions_are_told_apart_and_time_is_compressed(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("time,key,size,offset,session\n100,a,10,0,1\n150,b,10,20,2\n200,a,10,10,1\n")
    assert read_sessions(trace, 10.0) == [
        [Piece(0.0, "a", 0), Piece(10.0, "a", 1)],
        [Piece(5.0, "b", 2)],
    ]


def test_a_trace_without_sessions_is_refused(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("time,key,size,offset\n1,a,1,0\n")
    with pytest.raises(FailedError, match="session"):
        read_sessions(trace, 1.0)


def test_the_beginning_of_a_long_packed_trace_is_read_and_no_more(tmp_path: Path) -> None:
    rows = "".join(f"{second},a,10,{second * 10},1\n" for second in range(100_000))
    trace = tmp_path / "t.csv"
    trace.write_text("time,key,size,offset,session\n" + rows)
    subprocess.run(["zstd", "-q", str(trace)], check=True)
    (pieces,) = read_sessions(tmp_path / "t.csv.zst", 10.0, 50)
    assert len(pieces) == 50


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("ahead", "ready"), [(0, 0), (4, 9)])
async def test_what_is_read_ahead_is_ready_for_a_reader_in_sequence(ahead: int, ready: int) -> None:
    film = [[Piece(0.3 + 0.05 * block, "a", block) for block in range(10)]]
    warm = [Piece(0.0, "w", 0)] * 3
    gain = await measure([warm, *film], "lru", 16 * MIB, ahead, 1.0)
    assert gain.later == 9
    assert gain.hits + gain.on_their_way == ready
    assert gain.origin_bytes == 10 * BLOCK_BYTES
