"""Over TLS and with tokens every byte is compared, and figures are those of https, or of tokens."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.benchmark.content import Content
from scripts.benchmark.launch import HOST
from scripts.benchmark.loadgen import find_compiler
from scripts.benchmark.measures import MEASURES
from scripts.benchmark.plan import SMOKE, Plan
from scripts.benchmark.secure import compare, make_certificate
from scripts.benchmark.stage import Builder
from tests.scripts.benchmark.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


@pytest.fixture
def content(tmp_path: Path) -> Content:
    made = Content(tmp_path / "www", tmp_path / "lists", SMOKE.scale)
    made.make_files()
    return made


@pytest.fixture
def served(tmp_path: Path, content: Content) -> Iterator[tuple[int, dict[str, bytes]]]:
    """The small objects over TLS: the port, and what is said instead of the truth."""
    lies: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            body = lies.get(self.path)
            if body is None:
                body = (content.root / self.path.lstrip("/")).read_bytes()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port, lies
    server.shutdown()
    thread.join()
    server.server_close()


def test_wrong_bytes_are_found(content: Content, served: tuple[int, dict[str, bytes]]) -> None:
    port, lies = served
    pieces = content.collections["small"]
    assert compare(port, content, pieces) == ""
    path = pieces[2].path
    truth = content.file_of(pieces[2]).read_bytes()
    for lie, said in ((b"", "status 404"), (truth[:-1] + b"?", "wrong bytes"), (truth + b"x", "m")):
        lies[path] = lie
        assert compare(port, content, pieces).startswith(f"{path}: {said}")


@pytest.mark.skipif(shutil.which("wrk") is None, reason="needs the wrk program")
def test_hits_are_measured_over_tls(tmp_path: Path) -> None:
    if find_compiler() is None:
        pytest.skip("needs a C compiler (cc)")
    kept = tmp_path / "run.json"
    words = ["--smoke", "--tls", "--only", "W1", "--peers", "", "--json", str(kept)]
    done = subprocess.run(
        [sys.executable, "-m", "scripts.benchmark", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "hits asked for by wrk over TLS" in done.stdout
    (run,) = json.loads(kept.read_text())["runs"]["W1"]["cinedge"]
    assert run["errors"] == 0
    assert run["per_second"] > 0


def test_every_warm_path_has_a_token_that_the_edge_asks_for(
    load_program: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    plan = Plan(measures=(MEASURES["W1"],), scale=SMOKE.scale, tokens=True)
    with ExitStack() as stack:
        stage = Builder(plan, tmp_path, stack, said.append).build()
        piece = stage.content.collections["small"][0]
        path, _, query = piece.path.partition("?")
        assert query.startswith("token=")
        connection = http.client.HTTPConnection(HOST, stage.edges[0].port, timeout=10)
        for asked, status in ((piece.path, 200), (path, 403), (f"{path}?token=none", 403)):
            connection.request("GET", asked)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == status
            assert status != 200 or content == stage.content.file_of(piece).read_bytes()
        connection.close()
    assert "edge: small cached and compared" in said
