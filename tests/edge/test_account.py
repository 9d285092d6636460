"""The access log and the counters say what was sent, once per request, cut answers included."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

from cdnkit.tokens import Claims, sign
from config.token_keys import TokenKey
from config.topology import Route
from tests.edge.conftest import BLOCK, Edge, Plan, eventually, plain_answer, says
from tests.helpers.raw_client import head

FILM = random.Random(11).randbytes(30 * BLOCK)
PATH = "/a.mp4"


def counted(edge: Edge) -> int:
    counters = edge.worker.accounts.counters
    return sum(counters.requests.values())


async def test_the_log_has_each_answer_once_with_the_bytes_the_client_got(
    plan: Plan, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    origin = plan.origin
    origin.put(PATH, FILM[: 3 * BLOCK])
    origin.put("/small", b"small")
    origin.scripts["/pass"] = says("200 OK", b"passed", "Cache-Control: no-store")
    asks: list[tuple[str, tuple[str, ...], str]] = [
        (PATH, (), "GET"),
        (PATH, ("Range: bytes=5-70000",), "GET"),
        (PATH, ("Range: bytes=0-1, 9-10",), "GET"),
        (PATH, ("Range: bytes=999999999-",), "GET"),
        (PATH, (), "HEAD"),
        ("/small", (), "GET"),
        ("/small", (), "GET"),
        ("/small", (), "GET"),
        ("/small", ("Range: bytes=1-2",), "GET"),
        ("/small", ("Range: bytes=1-2",), "GET"),
        ("/pass", ("X-Request-Id: mine",), "GET"),
        ("/missing", ("User-Agent: test/1",), "GET"),
        (PATH, ("Origin: x", "Access-Control-Request-Method: GET"), "OPTIONS"),
    ]
    async with plan.but(access_log=str(log)).start() as edge:
        client = await edge.client()
        answers = [await client.ask(target, *lines, method=m) for target, lines, m in asks]
        # HEAD of the lane and of the full path end up in one file once the edge has stopped.
    records: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    by_id = {record["request_id"]: record for record in records}
    assert len(records) == len(by_id) == len(asks)
    for (target, lines, method), answer in zip(asks, answers, strict=True):
        record = by_id[answer.fields["x-request-id"]]
        assert record["bytes"] == answer.size_bytes, record
        assert record["status"] == answer.status
        assert (record["method"], record["path"]) == (method, target)
        assert (record["tier"], record["node"], record["client"]) == ("edge", "edge-1", "127.0.0.1")
        assert "complete" not in record
        ranges = [line[7:] for line in lines if line.startswith("Range: ")]
        assert record.get("range") == (ranges[0] if ranges else None)
    assert by_id["mine"]["outcome"] == "miss"
    requests = edge.worker.accounts.counters.requests
    assert sum(requests.values()) == len(asks)
    sent = sum(edge.worker.accounts.counters.sent_bytes.values())
    assert sent == sum(answer.size_bytes for answer in answers)


async def test_a_cut_answer_is_written_down_as_cut(plan: Plan, tmp_path: Path) -> None:
    log = tmp_path / "access.log"

    async def cuts(asked: Any, reader: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(plain_answer("200 OK", bytes(70_000), "Cache-Control: no-store", length=99999))
        writer.close()

    plan.origin.scripts["/cut"] = cuts
    plan.origin.put(PATH, FILM)
    async with plan.but(access_log=str(log)).start() as edge:
        first = await edge.client()
        await first.send(head("/cut"))
        received = await first.rest()
        await eventually(lambda: counted(edge) == 1, "it is counted")
        second = await edge.client(4096)
        await second.send(head(PATH))
        assert await asyncio.get_running_loop().sock_recv(second.sock, 10)
        second.reset()
        await eventually(lambda: counted(edge) == 2, "both are counted")
        assert edge.worker.accounts.counters.cut_short == 2
    cut, reset = [json.loads(line) for line in log.read_text().splitlines()]
    assert (cut["path"], cut["complete"], cut["bytes"]) == ("/cut", False, len(received))
    assert (reset["path"], reset["complete"]) == (PATH, False)
    assert 0 < reset["bytes"] < len(FILM)


async def test_sessions_are_logged_and_tokens_are_not(plan: Plan, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    secret = "sixteen-bytes-at-least"
    token = sign(Claims("k", "/", 1 << 40, session="s-1"), {"k": secret.encode()})
    plan.token_keys = (TokenKey("k", secret),)
    plan.routes = (Route("/", (plan.origin.url,), token=True),)
    plan.origin.put(PATH, b"film")
    async with plan.but(access_log=str(log)).start() as edge:
        client = await edge.client()
        for _ in range(4):
            assert (await client.ask(f"/~{token}{PATH}")).body == b"film"
        assert (await client.ask(f"{PATH}?token={token}")).body == b"film"
    lines = log.read_text().splitlines()
    assert [json.loads(line)["session"] for line in lines] == ["s-1"] * 5
    assert token not in log.read_text()


async def test_nothing_is_written_without_a_log_but_all_is_counted(edge: Edge) -> None:
    edge.origin.put(PATH, b"film")
    client = await edge.client()
    answers = [await client.ask(PATH) for _ in range(5)]
    counters = edge.worker.accounts.counters
    await eventually(lambda: counted(edge) == 5, "the lane's hits are absorbed")
    assert counters.requests == {("miss", "cold", 200): 1, ("hit", "", 200): 4}
    sizes = [answer.size_bytes for answer in answers]
    assert counters.sent_bytes == {("miss", "cold"): sizes[0], ("hit", ""): sum(sizes[1:])}
