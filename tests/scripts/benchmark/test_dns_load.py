"""The generator of DNS questions against real name servers: ours and a liar."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.benchmark.dns_load import build_dns_load, wait_until_it_resolves
from scripts.benchmark.launch import Server
from scripts.benchmark.loadgen import find_compiler
from scripts.cli.errors import FailedError
from tests.geo_router.dns_worlds import dns_world

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler is here")


@contextmanager
def name_server(tmp_path: Path, rcode: int = 0) -> Iterator[Server]:
    """Answers from the tests' zone on a real port, with a wrong code if told to."""
    answerer = dns_world().answerer
    output = tmp_path / "output"
    output.write_text("said this")
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process,
    ):
        listener.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                packet, peer = listener.recvfrom(1500)
                if packet == b"end":
                    return
                answer = answerer.answer(packet, peer[0])
                assert answer is not None
                listener.sendto(answer[:3] + bytes([answer[3] | rcode]) + answer[4:], peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Server("ours", listener.getsockname()[1], process, output)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ender:
            ender.sendto(b"end", listener.getsockname())
        thread.join(5)
        process.kill()


@pytest.mark.parametrize("new_subnets", [False, True])
def test_every_answer_is_counted(tmp_path: Path, new_subnets: bool) -> None:
    load = build_dns_load(tmp_path, None)
    with name_server(tmp_path) as server:
        wait_until_it_resolves(server)
        run = load.run(server, 0.2, 1, new_subnets)
    assert run["errors"] == 0
    assert run["per_second"] > 10


def test_a_wrong_answer_is_an_error(tmp_path: Path) -> None:
    load = build_dns_load(tmp_path, None)
    with name_server(tmp_path, rcode=2) as server:
        assert load.run(server, 0.1, 1, False)["errors"] > 0


def test_a_server_that_has_ended_is_told_with_its_words(tmp_path: Path) -> None:
    with name_server(tmp_path) as server:
        server.process.kill()
        server.process.wait()
        with pytest.raises(FailedError, match="said this"):
            wait_until_it_resolves(server)
