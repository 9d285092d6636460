"""Claims about `cinedge explain`."""

from __future__ import annotations

import httpx
import pytest

from scripts.cli.errors import FailedError
from scripts.cli.explain import ask, render

BODY = {
    "url": "http://e1/films/a.mp4",
    "path": "/films/a.mp4",
    "rung": "healthy-in-site",
    "place": {
        "address": "192.0.2.7",
        "said_by": "query",
        "source": "prefix",
        "matched": "192.0.2.0/24",
        "site": "fra",
        "country": "",
    },
    "edges": [
        {"name": "e1", "site": "fra", "rung": "x", "distance_km": 12.4, "reasons": ["home", "up"]},
        {"name": "o", "site": "", "rung": "origin", "distance_km": None, "reasons": ["allowed"]},
    ],
    "passed_over": [{"name": "e2", "site": "nyc", "reason": "down: cannot connect"}],
    "measured": [{"edge": "e1", "bits_per_second": 5_000_000, "count": 3}],
}


def test_an_explanation_is_told_in_order() -> None:
    assert render(BODY) == [
        "192.0.2.7 (query) is at fra, says the prefix 192.0.2.0/24",
        "/films/a.mp4 -> http://e1/films/a.mp4 (healthy-in-site)",
        "   1. e1 [fra, 12 km]",
        "      home",
        "      up",
        "   2. o [origin]",
        "      allowed",
        "   -  e2 [nyc] down: cannot connect",
        "   ~  e1: 5.0 Mbit/s measured by 3 players",
    ]


def test_the_router_is_asked_with_title_address_and_offset() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json=BODY)

    with httpx.Client(base_url="http://r", transport=httpx.MockTransport(answer)) as client:
        assert ask(client, "films/a b.mp4", "192.0.2.7", 9) == BODY
        ask(client, "a", None, 0)
    assert dict(asked[0].params) == {"title": "films/a b.mp4", "offset": "9", "ip": "192.0.2.7"}
    assert "ip" not in asked[1].params


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(400, json={"detail": "'x' is no IP address"}), "'x' is no IP address"),
        (httpx.Response(502, json=[]), "answered 502"),
        (httpx.Response(200, text="<html>"), "http://r"),
    ],
)
def test_what_fails_is_said(answer: httpx.Response, message: str) -> None:
    transport = httpx.MockTransport(lambda request: answer)
    with (
        httpx.Client(base_url="http://r", transport=transport) as client,
        pytest.raises(FailedError, match=message),
    ):
        ask(client, "a", None, 0)
