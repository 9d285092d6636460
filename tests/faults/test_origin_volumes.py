"""An origin of four volumes and two copies, a real process: disks are wiped and bits flip under
its readers, and no reader gets a wrong byte or none."""

from __future__ import annotations

import hashlib
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from tests.helpers.processes import Running, wait_until
from tests.helpers.upload_origin import free_port

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
FILMS = 6
VOLUMES = 4

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def content_of(number: int) -> bytes:
    return random.Random(number).randbytes(5 * MIB + number)


@dataclass
class Disks:
    """A running origin and the directories of its volumes."""

    url: str
    root: Path

    def copies(self) -> dict[str, list[Path]]:
        """Committed copies by the name of their extent."""
        found: dict[str, list[Path]] = {}
        for path in sorted(self.root.glob("v*/extents/*/*")):
            found.setdefault(path.name, []).append(path)
        return found

    def is_whole(self) -> bool:
        """Whether each extent has its two copies again."""
        return all(len(paths) == 2 for paths in self.copies().values())

    def failing(self) -> list[str]:
        """Names of isolated volumes."""
        volumes = httpx.get(f"{self.url}/v1/store").json()["volumes"]
        return [volume["name"] for volume in volumes if volume["failure"]]

    def job(self, name: str) -> dict[str, object]:
        """How far a job is."""
        found: dict[str, object] = httpx.get(f"{self.url}/v1/store/{name}").json()
        return found


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    port = free_port()
    node = {
        "name": "origin-1",
        "listen": f"127.0.0.1:{port}",
        "data": str(tmp_path / "data"),
        "extent_bytes": "2MiB",
        "copies": 2,
        "volumes": [
            {"name": f"v{n}", "path": str(tmp_path / f"v{n}"), "reserve_bytes": 0}
            for n in range(VOLUMES)
        ],
        "scrub_bytes_per_second": "1GiB",
    }
    topology = tmp_path / "topology.yaml"
    topology.write_text(yaml.safe_dump({"version": 1, "origins": [node]}))
    command = (sys.executable, "-m", "scripts.cli.main", "origin", "--topology", topology)
    with ExitStack() as stack:
        running = stack.enter_context(Running(command, cwd=ROOT))
        made = Disks(f"http://127.0.0.1:{port}", tmp_path)

        def ready() -> bool:
            assert running.process.poll() is None, "\n".join(running.stderr[-30:])
            try:
                return httpx.get(f"{made.url}/readyz").is_success
            except httpx.HTTPError:
                return False

        wait_until(ready, "the origin is ready", 30)
        for number in range(FILMS):
            answer = httpx.put(f"{made.url}/v1/content/{number}", content=content_of(number))
            assert answer.status_code == 201, answer.text
        yield made


class Readers:
    """Threads that read random ranges and compare, until the end of the block."""

    def __init__(self, url: str) -> None:
        self.reads = 0
        self.wrong: list[str] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(n,)) for n in range(3)]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for_more(self, count: int) -> None:
        """Let some reads go by."""
        until = self.reads + count
        wait_until(lambda: self.reads >= until or bool(self.wrong), "reads go on", 60)

    def _read(self, seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(timeout=30) as http:
            while not self._stop.is_set():
                number = chance.randrange(FILMS)
                data = content_of(number)
                start = chance.randrange(len(data))
                stop = min(len(data), start + chance.randrange(1, 3 * MIB))
                fields = {"Range": f"bytes={start}-{stop - 1}"}
                answer = http.get(f"{self._url}/v1/content/{number}", headers=fields)
                if answer.status_code != 206 or answer.content != data[start:stop]:
                    self.wrong.append(f"{answer.status_code} for {number} {fields}")
                self.reads += 1


def check_all(disks: Disks) -> None:
    for number in range(FILMS):
        body = httpx.get(f"{disks.url}/v1/content/{number}").content
        assert hashlib.sha256(body).digest() == hashlib.sha256(content_of(number)).digest()


def test_a_wiped_volume_costs_no_read_and_is_made_good(disks: Disks) -> None:
    before = {name: len(paths) for name, paths in disks.copies().items()}
    with Readers(disks.url) as readers:
        readers.wait_for_more(20)
        shutil.rmtree(disks.root / "v1")
        readers.wait_for_more(20)
        wait_until(disks.is_whole, "every extent has two copies on what is left", 40)
        assert disks.failing() == ["v1"]
        readmitted = httpx.post(f"{disks.url}/v1/store/volumes/v1/readmit")
        assert readmitted.status_code == 200, readmitted.text
        readers.wait_for_more(20)
    assert readers.wrong == []
    assert disks.failing() == []
    assert {name: len(paths) for name, paths in disks.copies().items()} == before
    check_all(disks)


def test_flipped_bits_are_never_served_and_are_repaired(disks: Disks) -> None:
    chance = random.Random(8)
    spoilt: dict[Path, bytes] = {}
    with Readers(disks.url) as before:
        before.wait_for_more(20)
    # Nobody reads meanwhile: a disk's bits do not flip in pages that are on their way to a socket.
    for paths in disks.copies().values():
        path = chance.choice(paths)
        spoilt[path] = path.read_bytes()
        with path.open("r+b") as file:
            at = chance.randrange(2 * MIB if len(spoilt[path]) > 2 * MIB else MIB)
            file.seek(at)
            file.write(bytes([spoilt[path][at] ^ 1 << chance.randrange(8)]))
    with Readers(disks.url) as readers:
        readers.wait_for_more(60)
        check_all(disks)
        assert httpx.post(f"{disks.url}/v1/store/scrub").status_code == 202
        wait_until(lambda: disks.job("scrub")["state"] == "done", "the scrub is over", 60)
        wait_until(disks.is_whole, "every extent has two copies", 30)
        readers.wait_for_more(10)
    assert before.wrong + readers.wrong == []
    # What a job counts is of its last run; each spoilt copy that was found lies here.
    assert len(list(disks.root.glob("v*/damaged/*"))) == len(spoilt)
    for path, whole in spoilt.items():
        assert not path.exists() or path.read_bytes() == whole
    check_all(disks)
