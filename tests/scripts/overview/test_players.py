"""How titles play, as edges tell it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from cdnkit.service.certificates import make_context
from config.topology import AccessToken, Address, CacheDisk, EdgeNode, Topology
from scripts.overview.players import Players, sessions_of, shares_of
from tests.helpers.authority import Authority


class Edges:
    """An admin address that tells `titles` to who brings the token."""

    def __init__(self) -> None:
        self.titles: list[dict[str, Any]] = []
        self.since = 1.5
        edges = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("Authorization") == "Bearer operator"
                body = json.dumps({"counting_since": edges.since, "titles": edges.titles}).encode()
                self.send_response(200 if known and self.path == "/v1/players" else 401)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = Address("127.0.0.1", self.server.server_port)


@pytest.fixture
def edges() -> Iterator[Edges]:
    made = Edges()
    Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def topology(admin: Address | None, token: str = "operator") -> Topology:
    edge = EdgeNode("e1", "fra", Address("127.0.0.1", 1), (CacheDisk("/a"),), admin=admin)
    return Topology(edges=(edge,), access_tokens=(AccessToken("x", ("operate",), token),))


def told(title: str, sessions: int, starved: int) -> dict[str, Any]:
    return {"title": title, "sessions": sessions, "starved_sessions": starved, "more": {}}


def test_a_look_is_of_what_happened_since_the_one_before(edges: Edges) -> None:
    players = Players(topology(edges.address))
    edges.titles = [told("a", 10, 5), told("b", 4, 0)]
    assert players.look() == {"a": 0.5, "b": 0.0}
    edges.titles = [told("a", 14, 6), told("b", 4, 0)]
    assert players.look() == {"a": 0.25}
    edges.titles, edges.since = [told("a", 2, 2), told("b", 5, 1)], 7.5
    assert players.look() == {"a": 1.0, "b": 0.2}


def test_what_was_seen_before_is_never_counted_again(edges: Edges) -> None:
    players = Players(topology(edges.address))
    edges.titles = [told("a", 10, 5), told("b", 4, 2)]
    players.look()
    edges.titles = [told("a", 9, 4), told("c", 2, 0)]
    assert players.look() == {"c": 0.0}
    edges.titles = [told("a", 12, 5), told("b", 1, 1), told("c", 2, 0)]
    assert players.look() == {"a": 0.0, "b": 1.0}


@pytest.mark.parametrize("token", ["", "other"])
def test_an_edge_that_lets_nobody_look_tells_nothing(edges: Edges, token: str) -> None:
    edges.titles = [told("a", 10, 5)]
    assert Players(topology(edges.address, token)).look() == {}
    assert Players(topology(None)).look() == {}
    assert Players(topology(Address("127.0.0.1", 9))).look() == {}


def test_an_edge_in_tls_is_known_by_the_authorities_of_the_system(
    edges: Edges, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    tls = authority.certificate("e1")
    context = make_context(Path(tls.certificate), Path(tls.key))
    edges.server.socket = context.wrap_socket(edges.server.socket, server_side=True)
    edges.titles = [told("a", 10, 5)]
    plain = topology(edges.address)
    secure = replace(plain, edges=(replace(plain.edges[0], admin_tls=tls),))
    assert Players(secure).look() == {}
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert Players(secure).look() == {"a": 0.5}
    assert Players(plain).look() == {}


def test_a_share_is_never_more_than_all() -> None:
    assert shares_of(Counter({("a", "starved_sessions"): 3})) == {"a": 1.0}
    with pytest.raises(KeyError):
        sessions_of([{"title": "a"}])
