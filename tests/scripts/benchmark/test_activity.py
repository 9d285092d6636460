"""The benchmark of the log counts what an origin acknowledged, and nothing else."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from pathlib import Path

import pytest

from scripts.benchmark.activity import request_of, run, tell
from scripts.cli.errors import FailedError


def test_request_has_so_many_events_and_says_how_long_it_is() -> None:
    head, _, body = request_of(3, "token").partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    assert int(length[1]) == len(body)
    assert len(json.loads(body)["events"]) == 3
    assert b"Authorization: Bearer token" in head


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{"outcome":"accepted"}',
    ],
)
async def test_answer_that_does_not_accept_every_event_ends_the_run(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"]}")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    took: list[float] = []
    with pytest.raises(FailedError, match="not all was accepted"):
        await tell(port, request_of(2, ""), 2, time.perf_counter() + 60, took)
    assert took == []
    server.close()


@pytest.mark.slow
def test_all_that_was_acknowledged_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, argparse.Namespace(database="", seconds=0.2, rounds=1))
    said = capsys.readouterr().out
    assert re.search(r"^100 in a request, +8 connections: ", said, re.M)
    assert re.search(r"^(\d+) events were acknowledged, and all are there$", said, re.M)
