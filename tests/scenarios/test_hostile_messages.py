"""Messages that no server should take get a refusal from every port that clients reach.

Real processes of each tier, asked over raw sockets (tests/vectors/hostile_messages.yaml): the ports
of origin and router, and an edge's with and without TLS and for its admin, in front of an origin
that records what goes on.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from tests.edge.tls_client import client_context, make_certificate
from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.processes import Running, wait_until
from tests.helpers.recording_origin import Heard, RecordingOrigin
from tests.helpers.vectors import case_id, load_vectors

LIMIT_SECONDS = 15.0
KEY = "films/good.bin"
CASES = load_vectors("hostile_messages")
REFUSED = [case for case in CASES if case["outcomes"] != "taken"]
TAKEN = [case for case in CASES if case["outcomes"] == "taken"]
LISTENERS = ("origin", "edge", "edge-tls", "edge-admin", "router")
HOP_FIELDS = {
    *("connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "upgrade"),
    *("http2-settings", "expect", "trailer"),
}
NEXT_ANSWERS: tuple[list[int], ...] = ([], [200], [302])
WHOLE = 1 << 20
NEXT = b"GET PATH HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that clients reach, and something it has."""

    port: int
    path: str
    is_secure: bool = False

    def connect(self) -> socket.socket:
        """A connection to it; without TLS its bytes leave as they are cut."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=LIMIT_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client_context().wrap_socket(sock) if self.is_secure else sock


@dataclass(frozen=True, slots=True)
class Tiers:
    """One process of each tier, and what the edge's told the origin behind it."""

    listeners: dict[str, Listener]
    behind: RecordingOrigin


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def tiers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tiers]:
    data = tmp_path_factory.mktemp("hostile")
    ports = {name: free_port() for name in LISTENERS}
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    tls = make_certificate(data, "localhost")
    with ExitStack() as stack:
        behind = stack.enter_context(RecordingOrigin())
        for command in (
            ("origin", "--listen", at["origin"], "--data", data / "origin"),
            ("edge", "--listen", at["edge"], "--admin", at["edge-admin"], "--pull", behind.url,
             "--cache", data / "cache", "--size", "64MiB"),
            ("edge", "--listen", at["edge-tls"], "--pull", behind.url, "--cache", data / "secure",
             "--size", "64MiB", "--tls-cert", tls.certificate, "--tls-key", tls.key),
            ("router", "--listen", at["router"], "--edges", f"http://{at['edge']}"),
        ):  # fmt: skip
            stack.enter_context(Running([*CINEDGE, *command], cwd=ROOT))
        for name in LISTENERS:
            url = f"{'https' if name == 'edge-tls' else 'http'}://{at[name]}"
            wait_until(partial(is_ready, url), f"{name} is ready", 60)
        put = httpx.put(f"http://{at['origin']}/v1/content/{KEY}", content=b"content")
        assert put.status_code == 201
        paths = {"origin": f"/v1/content/{KEY}", "edge-admin": "/livez"}
        listeners = {
            name: Listener(ports[name], paths.get(name, f"/{KEY}"), name == "edge-tls")
            for name in LISTENERS
        }
        yield Tiers(listeners, behind)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", verify=False).status_code < 500
    except httpx.HTTPError:
        return False


def message(case: dict[str, Any], path: str) -> bytes:
    text: str = case.get("raw", "")
    if long := case.get("long"):
        text = long["before"] + long["fill"] * long["count"] + long["after"]
    return text.replace("PATH", path).encode("latin-1")


def said(listener: Listener, data: bytes, piece_bytes: int) -> bytes:
    """Everything that is answered until the connection ends."""
    with listener.connect() as sock:
        answer = b""
        try:
            for at in range(0, len(data), piece_bytes):
                sock.sendall(data[at : at + piece_bytes])
            while piece := sock.recv(65536):
                answer += piece
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            # It was closed while we sent; what it said before may be lost with that.
            pass
        return answer


def statuses(answer: bytes) -> list[int]:
    """Of all final answers in what was said; no content of ours looks like a status line."""
    return [int(each) for each in _STATUS_LINE.findall(answer) if each[:1] != b"1"]


def heard_of(tiers: Tiers, name: str) -> list[Heard]:
    """What went on to the origin behind the edge, which the router's probes also reach."""
    return (
        [each for each in tiers.behind.heard if each.target != "/readyz"] if "edge" in name else []
    )


def check_refused(tiers: Tiers, name: str, case: dict[str, Any], piece_bytes: int) -> None:
    listener = tiers.listeners[name]
    before = len(heard_of(tiers, name))
    sent = message(case, listener.path)
    if case.get("may_stay"):
        sent += NEXT.replace(b"PATH", listener.path.encode())
    answer = said(listener, sent, piece_bytes)
    # Whoever is still sending when he is refused may be cut before he could read why.
    may_be_lost = case["item"] == 34 or piece_bytes < len(sent)
    # Whoever asks for what is not there is told before his content comes, and that is the end.
    is_early = piece_bytes < len(sent) and case["section"].startswith("7.1")
    first, *more = statuses(answer) or [0]
    outcomes = [*case["outcomes"], *((405, 307) if is_early else ())]
    assert first in outcomes or (may_be_lost and not answer), answer
    went_on = heard_of(tiers, name)[before:]
    if case.get("may_stay"):
        assert more in NEXT_ANSWERS, answer
        assert {each.method for each in went_on} <= {"GET"}
    else:
        assert more == []
        assert went_on == []
        assert is_early or not answer or b"\r\nconnection: close\r\n" in answer.lower()


@pytest.mark.parametrize("case", REFUSED, ids=case_id)
@pytest.mark.parametrize("name", LISTENERS)
def test_what_is_ambiguous_is_refused_and_goes_no_further(
    tiers: Tiers, name: str, case: dict[str, Any]
) -> None:
    check_refused(tiers, name, case, WHOLE)


@pytest.mark.parametrize("name", LISTENERS)
def test_cutting_a_message_into_pieces_makes_it_no_clearer(tiers: Tiers, name: str) -> None:
    for case in REFUSED:
        check_refused(tiers, name, case, 7 if "raw" in case else 4000)


@pytest.mark.parametrize("piece_bytes", [WHOLE, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("case", TAKEN, ids=case_id)
@pytest.mark.parametrize("name", LISTENERS)
def test_what_is_odd_and_clear_is_one_request_and_the_next_is_the_next(
    tiers: Tiers, name: str, case: dict[str, Any], piece_bytes: int
) -> None:
    listener = tiers.listeners[name]
    before = len(heard_of(tiers, name))
    sent = message(case, listener.path) + NEXT.replace(b"PATH", listener.path.encode())
    answer = said(listener, sent, piece_bytes)
    # Whoever is still sending when he is refused may be cut before he could read why.
    first, *more = statuses(answer) or [400 if piece_bytes < len(sent) else 500]
    assert first < 500
    # Either the connection ended there, or the next answer is that of the next request.
    assert more in NEXT_ANSWERS, answer
    for heard in heard_of(tiers, name)[before:]:
        assert heard.target.startswith(listener.path)
        assert heard.faults() == []
        assert {field for field, _ in heard.fields} & HOP_FIELDS == set()


def test_the_origin_behind_never_heard_what_its_parser_refuses(tiers: Tiers) -> None:
    for case in CASES:
        listener = tiers.listeners["edge"]
        if "raw" in case and not case.get("may_stay"):
            said(listener, message(case, listener.path) + NEXT.replace(b"PATH", b"/after"), WHOLE)
    broken_off = "peer closed connection without sending complete message body"
    assert [each for each in tiers.behind.complaints if broken_off not in each] == []
    assert "/smuggled" not in {each.target for each in tiers.behind.heard}


@pytest.mark.parametrize("name", LISTENERS)
def test_every_port_still_answers_after_all_this(tiers: Tiers, name: str) -> None:
    listener = tiers.listeners[name]
    answer = said(listener, NEXT.replace(b"PATH", listener.path.encode()), WHOLE)
    assert statuses(answer) in ([200], [302])
