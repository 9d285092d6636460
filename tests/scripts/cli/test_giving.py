"""Orders from the command line: what is sent, how the end is told."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from scripts.cli.errors import FailedError, UsageError
from scripts.cli.giving import body_of, give, render

DONE = {"name": "e1", "state": "done", "ms": 12.5, "progress": {"blocks": 3}}


def order(state: str, *edges: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": "x", "kind": "purge", "state": state, "edges": list(edges)}
    return {**shown, "p50_ms": 12.5 if edges else None, "p99_ms": 12.5 if edges else None}


def arguments(**changes: Any) -> argparse.Namespace:
    given = {"at": "http://o", "token_env": None, "no_wait": False, "timeout": 5.0, "json": True}
    return argparse.Namespace(**{**given, **changes})


def answering(monkeypatch: pytest.MonkeyPatch, *answers: httpx.Response) -> list[httpx.Request]:
    """Let an origin answer so, one request after the other."""
    asked: list[httpx.Request] = []
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    make: Callable[..., httpx.Client] = httpx.Client

    def client(**more: Any) -> httpx.Client:
        return make(**more, transport=httpx.MockTransport(handle))

    monkeypatch.setattr(httpx, "Client", client)
    return asked


def given(state: str) -> httpx.Response:
    return httpx.Response(202, json=order(state), headers={"Location": "/v1/purges/x"})


def test_it_waits_until_all_have_done_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pending, done = order("pending", {"name": "e1", "state": "pending"}), order("done", DONE)
    asked = answering(
        monkeypatch,
        given("pending"),
        httpx.Response(200, json=pending),
        httpx.Response(200, json=done),
    )
    pauses: list[float] = []
    environ = {"CINEDGE_TOKEN": "secret"}
    assert give(arguments(), "/v1/purge", {"all": True}, environ=environ, pause=pauses.append) == 0
    assert [request.method for request in asked] == ["POST", "GET", "GET"]
    assert {request.headers["authorization"] for request in asked} == {"Bearer secret"}
    assert json.loads(asked[0].content) == {"all": True}
    assert json.loads(capsys.readouterr().out) == done
    assert len(pauses) == 2


@pytest.mark.parametrize("state", ["failed", "offline"])
def test_not_done_in_time_is_a_failure(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    answering(monkeypatch, given("pending"), httpx.Response(200, json=order(state)))
    seconds = iter(range(100))
    code = give(
        arguments(), "/v1/purge", {}, environ={}, clock=lambda: next(seconds), pause=lambda _: None
    )
    assert code == 1


def test_without_waiting_the_order_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, given("pending"))
    assert give(arguments(no_wait=True), "/v1/purge", {}, environ={}) == 0
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"detail": "say what"}), UsageError),
        (httpx.Response(403, json={"detail": "no"}), FailedError),
        (httpx.Response(502, text="?"), FailedError),
    ],
)
def test_a_refusal_is_told(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response, error: type[Exception]
) -> None:
    answering(monkeypatch, answer)
    with pytest.raises(error):
        give(arguments(), "/v1/purge", {}, environ={})


def test_an_order_is_told_for_people() -> None:
    assert render(order("done", DONE)) == [
        "purge x: done",
        "  e1: done in 12.5 ms (blocks 3)",
        "p50 12.5 ms, p99 12.5 ms",
    ]
    assert body_of(
        arguments(rate=None, all=False, tag=["t"]), {"rate": "r", "all": "all", "tag": "tag"}
    ) == {"tag": ["t"]}
