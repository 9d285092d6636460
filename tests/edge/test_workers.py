"""Several workers: both answer, a dead one is replaced, all end together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from config.topology import MIB, Address, CacheDisk, EdgeNode, Tls
from edge.workers import until_stopped, worker_node
from scripts.demo_topology import free_ports
from tests.helpers.processes import Running, wait_until

CONTENT = b"film" * 1000
ROOT = Path(__file__).parents[2]


def node(workers: int, size_bytes: int) -> EdgeNode:
    return EdgeNode(
        name="e",
        site="s",
        listen=Address("127.0.0.1", 1),
        disks=(CacheDisk("/a", size_bytes), CacheDisk("/b", size_bytes)),
        admin=Address("127.0.0.1", 2),
        admin_tls=Tls("c", "k"),
        workers=workers,
    )


def test_workers_share_the_folders_and_each_has_its_share_of_the_bytes() -> None:
    shares = [worker_node(node(4, 100 * MIB), number) for number in range(4)]
    assert {disk.path for share in shares for disk in share.disks} == {"/a", "/b"}
    assert {disk.size_bytes for share in shares for disk in share.disks} == {25 * MIB}
    assert [share.admin is not None for share in shares] == [True, False, False, False]
    assert [share.admin_tls is not None for share in shares] == [True, False, False, False]


def test_a_share_is_never_too_small_to_be_of_use() -> None:
    assert worker_node(node(64, 20 * MIB), 3).disks[0].size_bytes == 16 * MIB


class Films(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.send_header("Cache-Control", "max-age=60")
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[str]:
    """A plain HTTP server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Films)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def listeners(port: int) -> int:
    """Sockets that listen on a port of IPv4."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows)


def free_port() -> int:
    return free_ports(1)[0]


def test_both_answer_a_killed_one_comes_back_and_all_stop_together(
    upstream: str, tmp_path: Path
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "scripts.cli.main", "edge", "--workers", "2"]
    command += ["--listen", f"127.0.0.1:{port}", "--pull", upstream, "--cache", str(tmp_path / "c")]
    url = f"http://127.0.0.1:{port}/a"

    def answers() -> None:
        for _ in range(20):
            assert httpx.get(url).content == CONTENT

    with Running(command, cwd=ROOT) as running:
        pid = running.process.pid
        wait_until(lambda: listeners(port) == 2, "both listen", 30)
        before = children_of(pid)
        assert len(before) == 2
        answers()
        wait_until(lambda: bool(list((tmp_path / "c").glob("??/*/*-0"))), "a block is kept")
        assert len(list((tmp_path / "c").glob("??/*/*-0"))) == 1
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in children_of(pid), "it is gone")
        wait_until(lambda: listeners(port) == 2, "another took its place", 30)
        after = children_of(pid)
        assert len(after) == 2
        assert len(after & before) == 1
        answers()
        running.ask_to_stop()
        assert running.end() == 0
        assert not any(Path(f"/proc/{child}").exists() for child in after)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def test_a_stop_between_death_and_replacement_ends_everything(
    upstream: str, tmp_path: Path
) -> None:
    port = free_port()
    command = [sys.executable, "-m", "scripts.cli.main", "edge", "--workers", "2"]
    command += ["--listen", f"127.0.0.1:{port}", "--pull", upstream, "--cache", str(tmp_path / "c")]
    with Running(command, cwd=ROOT) as running:
        pid = running.process.pid
        wait_until(lambda: listeners(port) == 2, "both listen", 30)
        victim = min(children_of(pid))
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in children_of(pid), "it is gone")
        running.ask_to_stop()
        assert running.end() == 0


def test_a_port_in_use_ends_the_edge_with_a_clear_line(upstream: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "scripts.cli.main", "edge", "--workers", "2"]
        command += ["--listen", f"127.0.0.1:{port}", "--pull", upstream]
        ended = subprocess.run(
            [*command, "--cache", str(tmp_path / "c")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    assert "already in use" in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("option", "complaint"), [("--cache", "Not a directory"), ("--access-log", "cannot start")]
)
def test_an_edge_that_cannot_start_ends_with_a_clear_line(
    upstream: str, tmp_path: Path, option: str, complaint: str
) -> None:
    (tmp_path / "file").write_text("not a directory")
    command = [sys.executable, "-m", "scripts.cli.main", "edge", "--workers", "2"]
    command += ["--listen", f"127.0.0.1:{free_port()}", "--pull", upstream]
    ended = subprocess.run(
        [*command, "--cache", str(tmp_path / "c"), option, str(tmp_path / "file" / "c")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert complaint in ended.stderr + ended.stdout


def test_a_scrape_has_the_sum_of_all_workers(upstream: str, tmp_path: Path) -> None:
    port, admin = free_port(), free_port()
    command = [sys.executable, "-m", "scripts.cli.main", "edge", "--workers", "2"]
    command += ["--listen", f"127.0.0.1:{port}", "--pull", upstream, "--cache", str(tmp_path / "c")]
    command += ["--admin", f"127.0.0.1:{admin}"]

    def scraped(name: str) -> int:
        lines = httpx.get(f"http://127.0.0.1:{admin}/metrics").text.splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(name))

    with Running(command, cwd=ROOT) as running:
        wait_until(lambda: listeners(port) == 2, "both listen", 30)
        for _ in range(24):
            # Each on a connection of its own: the system spreads them over the workers.
            assert httpx.get(f"http://127.0.0.1:{port}/a").content == CONTENT
        wait_until(lambda: scraped("cinedge_edge_requests_total") == 24, "all are counted", 10)
        assert scraped("cinedge_edge_connections_total") == 24
        running.ask_to_stop()
        assert running.end() == 0


async def test_a_worker_serves_until_it_is_told_to_stop_or_cannot_know_what_it_holds() -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loaded: asyncio.Future[bool] = loop.create_future()
    serving = asyncio.ensure_future(until_stopped(stop.wait(), loaded))
    loaded.set_result(True)
    await asyncio.sleep(0)
    assert not serving.done()
    stop.set()
    await serving
    failed: asyncio.Future[bool] = loop.create_future()
    failed.set_exception(OSError("no disk"))
    with pytest.raises(OSError, match="no disk"):
        await until_stopped(asyncio.Event().wait(), failed)
