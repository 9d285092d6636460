"""A refused head is answered, logged and counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.edge.conftest import Plan

REFUSED = {
    "no request at all": (b"\x16\x03\x01\r\n\r\n", 400),
    "another version": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "too long a target": (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 9000), 414),
    "a head without an end": (b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000, 431),
}


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
async def test_a_refused_head_is_logged_and_counted(
    plan: Plan, tmp_path: Path, sent: bytes, status: int
) -> None:
    log = tmp_path / "access.log"
    async with plan.but(access_log=str(log)).start() as edge:
        client = await edge.client()
        await client.send(sent)
        answer = await client.answer()
        counters = edge.worker.accounts.counters
        assert answer.status == status
        assert answer.fields["connection"] == "close"
        assert json.loads(answer.body)["status"] == status
        assert counters.requests == {("error", "", status): 1}
        assert counters.sent_bytes["error", ""] == answer.size_bytes
    (record,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert (record["status"], record["client"], record["bytes"]) == (
        status,
        "127.0.0.1",
        answer.size_bytes,
    )
    assert record["request_id"] == answer.fields["x-request-id"]
    assert record["refused"]
