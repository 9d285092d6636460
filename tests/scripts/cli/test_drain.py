"""Claims about `cinedge drain`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import httpx
import pytest

from cdnkit.service.certificates import AuthorityError
from scripts.cli.drain import add_parser, ask, client_of, show
from scripts.cli.errors import FailedError, UsageError

TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
edges:
  - {name: a, site: fra, listen: 127.0.0.1:9001, admin: 127.0.0.1:9101, disks: [{path: /tmp/a}]}
  - {name: b, site: fra, listen: 127.0.0.1:9002, disks: [{path: /tmp/b}]}
routes: [{prefix: /, upstream: [http://127.0.0.1:1]}]
"""


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    return parser.parse_args(["drain", *words])


def test_the_edge_is_found_by_address_or_in_the_topology(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(TOPOLOGY)
    args = parse("--topology", str(path), "--name", "a")
    with client_of(args, {"CINEDGE_TOKEN": "secret"}) as client:
        assert str(client.base_url).rstrip("/") == "http://127.0.0.1:9101"
        assert client.headers["Authorization"] == "Bearer secret"
    with client_of(parse("--admin", "http://h:1"), {}) as client:
        assert "Authorization" not in client.headers
    with pytest.raises(UsageError, match="edge b has no admin address"):
        client_of(parse("--topology", str(path), "--name", "b"), {})
    for words in ((), ("--admin", "http://h:1", "--topology", str(path))):
        with pytest.raises(UsageError, match="give either"):
            client_of(parse(*words), {})


def test_an_edge_in_tls_is_asked_in_tls_and_known_by_the_authorities_of_the_topology(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.yaml"
    secure = "admin: 127.0.0.1:9101, admin_tls: {certificate: c.pem, key: k.pem}"
    path.write_text(TOPOLOGY.replace("admin: 127.0.0.1:9101", secure))
    args = parse("--topology", str(path), "--name", "a")
    with client_of(args, {}) as client:
        assert str(client.base_url).rstrip("/") == "https://127.0.0.1:9101"
    path.write_text(f"authorities: none.pem\n{path.read_text()}")
    with pytest.raises(AuthorityError, match=r"none\.pem"):
        client_of(args, {})


def test_a_refusal_is_told_in_the_edges_words() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"detail": "lacks the scope"})

    with (
        httpx.Client(base_url="http://e", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(FailedError, match="lacks the scope"),
    ):
        ask(client, "PUT")


def test_the_state_is_shown_for_people_and_programs() -> None:
    said: list[str] = []
    state = {"node": "a", "draining": True, "streams": 3}
    show(state, False, said.append)
    show(state, True, said.append)
    assert said[0] == "a: draining, 3 answers under way"
    assert json.loads(said[1]) == state
