"""One part against an origin that plays a script: what is tried again, begun anew, or given up."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx
import pytest

from scripts.cli.errors import FailedError
from scripts.ingest_client.parts import FAILURES_MAX, PartSender, Tools
from scripts.ingest_client.plan import Span

FILM = bytes(range(200)) * 5
SPAN = Span(100, 900)
URL = "http://origin/v1/uploads/part-0001"


class ScriptedOrigin:
    """Takes a part; before that answers the next lines of its script."""

    def __init__(self, *script: httpx.Response | Exception, offset: int = 0) -> None:
        self.script = list(script)
        self.offset = offset
        self.got = bytearray(FILM[SPAN.start : SPAN.start + offset])
        self.methods: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.methods.append(request.method)
        body = request.read()
        if self.script:
            line = self.script.pop(0)
            if isinstance(line, Exception):
                raise line
            if line.status_code != 299:
                return line
        if request.method == "POST":
            return httpx.Response(201, headers={"Location": "/v1/uploads/part-0001"})
        if request.method == "HEAD":
            return httpx.Response(200, headers={"Upload-Offset": str(self.offset)})
        assert int(request.headers["Upload-Offset"]) == self.offset
        self.got += body
        self.offset += len(body)
        return httpx.Response(204, headers={"Upload-Offset": str(self.offset)})


NORMALLY = httpx.Response(299)


class Run:
    """One sender and what it told."""

    def __init__(self, tmp_path: Path, origin: ScriptedOrigin, location: str | None = None) -> None:
        file = tmp_path / "film.mp4"
        file.write_bytes(FILM)
        self.pauses: list[float] = []
        self.created: list[str] = []
        self.arrived: list[int] = []
        client = httpx.Client(base_url="http://origin", transport=httpx.MockTransport(origin))
        self.stopping = threading.Event()
        tools = Tools(client, self.pauses.append, self.stopping, lambda _: None)
        self.sender = PartSender(
            tools,
            file,
            SPAN,
            {"key": "a"},
            location=location,
            created=self.created.append,
            arrived=self.arrived.append,
        )


def test_a_part_is_created_and_sent(tmp_path: Path) -> None:
    origin = ScriptedOrigin()
    run = Run(tmp_path, origin)
    assert run.sender.send() == URL
    assert origin.got == FILM[100:900]
    assert origin.methods == ["POST", "HEAD", "PATCH", "HEAD"]
    assert (run.created, run.arrived[-1], run.pauses) == ([URL], 800, [])


def test_a_part_begun_earlier_goes_on(tmp_path: Path) -> None:
    origin = ScriptedOrigin(offset=300)
    assert Run(tmp_path, origin, URL).sender.send() == URL
    assert origin.got == FILM[100:900]
    assert "POST" not in origin.methods


@pytest.mark.parametrize(
    "trouble", [httpx.ReadError("reset"), httpx.Response(503), httpx.Response(409)]
)
def test_a_broken_line_and_a_busy_origin_are_tried_again(
    tmp_path: Path, trouble: httpx.Response | Exception
) -> None:
    origin = ScriptedOrigin(NORMALLY, NORMALLY, trouble, trouble)
    run = Run(tmp_path, origin)
    run.sender.send()
    assert origin.got == FILM[100:900]
    assert run.pauses == [0.5, 1.0]


def test_a_part_that_is_gone_is_begun_anew(tmp_path: Path) -> None:
    origin = ScriptedOrigin(httpx.Response(410))
    run = Run(tmp_path, origin, "http://origin/v1/uploads/expired-1")
    assert run.sender.send() == URL
    assert run.created == [URL]


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415])
def test_a_refusal_is_final(tmp_path: Path, status: int) -> None:
    run = Run(tmp_path, ScriptedOrigin(httpx.Response(status, json={"detail": "no, thanks"})))
    with pytest.raises(FailedError, match=f"{status} no, thanks"):
        run.sender.send()
    assert run.pauses == []


def test_an_origin_that_stays_away_is_given_up(tmp_path: Path) -> None:
    run = Run(tmp_path, ScriptedOrigin(*[httpx.ConnectError("refused")] * FAILURES_MAX))
    with pytest.raises(FailedError, match="refused"):
        run.sender.send()
    assert len(run.pauses) == FAILURES_MAX - 1


@pytest.mark.parametrize("offset", ["", "801", "-1", "x"])
def test_an_answer_that_makes_no_sense_fails(tmp_path: Path, offset: str) -> None:
    odd = httpx.Response(200, headers={"Upload-Offset": offset})
    with pytest.raises(FailedError, match="did not answer as an origin does"):
        Run(tmp_path, ScriptedOrigin(odd), URL).sender.send()


def test_a_stopped_sender_stops(tmp_path: Path) -> None:
    run = Run(tmp_path, ScriptedOrigin())
    run.stopping.set()
    with pytest.raises(FailedError, match="stopped"):
        run.sender.send()
