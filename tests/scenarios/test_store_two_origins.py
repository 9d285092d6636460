"""Two origin processes on one PostgreSQL and one SeaweedFS: an origin or a volume server is killed,
and clients go on."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from scripts.demo_topology import free_ports
from tests.helpers.postgres import Postgres, postgres_server
from tests.helpers.processes import Running, wait_until
from tests.helpers.seaweedfs import SECRET, VOLUME_SERVERS, SeaweedFS, seaweedfs_cluster

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
NAMES = ("origin-1", "origin-2")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass
class Pair:
    """The two origins and what runs below them."""

    topology: Path
    urls: dict[str, str]
    postgres: Postgres
    seaweedfs: SeaweedFS
    stack: ExitStack
    running: dict[str, Running] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one origin and wait until it is ready."""
        command = (sys.executable, "-m", "scripts.cli.main", "origin",
                   "--topology", self.topology, "--name", name)  # fmt: skip
        running = Running(command, cwd=ROOT, env={"OBJECT_STORE_KEY": SECRET})
        self.running[name] = self.stack.enter_context(running)

        def ready() -> bool:
            assert running.process.poll() is None, "\n".join(running.stderr[-30:])
            try:
                return httpx.get(f"{self.urls[name]}/readyz").is_success
            except httpx.HTTPError:
                return False

        wait_until(ready, f"{name} is ready", 30)

    def kill(self, name: str) -> None:
        """End one as a power cut would."""
        process = self.running[name].process
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def below() -> Iterator[tuple[Postgres, SeaweedFS]]:
    """What the origins of all tests stand on; who breaks some of it mends it."""
    with postgres_server() as postgres, seaweedfs_cluster() as seaweedfs:
        yield postgres, seaweedfs


@pytest.fixture
def pair(tmp_path: Path, below: tuple[Postgres, SeaweedFS]) -> Iterator[Pair]:
    postgres, seaweedfs = below
    database = postgres.create_database()
    settings = seaweedfs.settings(prefix=database.rpartition("/")[2])
    with ExitStack() as stack:
        ports = free_ports(2)
        origins = [
            {
                "name": name,
                "listen": f"127.0.0.1:{port}",
                "data": str(tmp_path / name),
                "database": database,
                "extent_bytes": "4MiB",
                "object_store": {
                    "endpoint": settings.endpoint,
                    "bucket": settings.bucket,
                    "prefix": settings.prefix,
                    "access_key_id": settings.access_key_id,
                    "secret_env": "OBJECT_STORE_KEY",
                },
            }
            for name, port in zip(NAMES, ports, strict=True)
        ]
        topology = tmp_path / "topology.yaml"
        topology.write_text(yaml.safe_dump({"version": 1, "origins": origins}))
        urls = {name: f"http://127.0.0.1:{port}" for name, port in zip(NAMES, ports, strict=True)}
        made = Pair(topology, urls, postgres, seaweedfs, stack)
        for name in NAMES:
            made.start(name)
        yield made


def content_of(number: int) -> bytes:
    return random.Random(number).randbytes(6 * MIB + number)


class Client:
    """Asks one origin, and the other when that one does not answer, as edges do."""

    def __init__(self, urls: list[str]) -> None:
        self._urls = urls
        self.failovers = 0

    def ask(self, ask: Callable[[str], httpx.Response]) -> httpx.Response:
        """The answer of the first origin that gives a whole one."""
        for _ in range(len(self._urls)):
            try:
                answer = ask(self._urls[0])
                if answer.status_code < 500:
                    return answer
            except httpx.HTTPError:
                pass
            self.failovers += 1
            self._urls.append(self._urls.pop(0))
        raise AssertionError("neither origin answers")


def upload(client: Client, numbers: range, told: list[int], stop: threading.Event) -> None:
    """Upload one object after the other until told to stop."""
    with httpx.Client(timeout=30) as http:
        for number in numbers:
            if stop.is_set():
                return
            data = content_of(number)

            def put(url: str, number: int = number, data: bytes = data) -> httpx.Response:
                return http.put(f"{url}/v1/content/films/{number}", content=data)

            answer = client.ask(put)
            assert answer.status_code in (200, 201), answer.text
            assert answer.json()["sha256"] == hashlib.sha256(data).hexdigest()
            told.append(number)


def read(client: Client, count: list[int], stop: threading.Event) -> None:
    """Read random ranges of a known object and compare."""
    chance, data = random.Random(5), content_of(0)
    with httpx.Client(timeout=30) as http:
        while not stop.is_set():
            start = chance.randrange(len(data) - 1)
            end = min(len(data) - 1, start + MIB)
            headers = {"Range": f"bytes={start}-{end}"}

            def get(url: str, headers: dict[str, str] = headers) -> httpx.Response:
                return http.get(f"{url}/v1/content/films/0", headers=headers)

            answer = client.ask(get)
            assert answer.status_code == 206, answer.text
            assert answer.content == data[start : end + 1]
            count[0] += 1


@contextmanager
def working(
    uploaders: list[Client], readers: list[Client], told: list[int], count: list[int]
) -> Iterator[Callable[[int, int], None]]:
    """Clients at work beside the block, none of which fails. Yields what waits until so many
    objects are uploaded and so many ranges read."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def guarded(work: Callable[..., None], *args: object) -> None:
        try:
            work(*args, stop)
        except BaseException as error:  # shown at the end
            errors.append(error)

    threads = [
        threading.Thread(target=guarded, args=(upload, each, range(at, at + 100), told))
        for at, each in zip(range(100, 1000, 100), uploaders, strict=False)
    ]
    threads += [threading.Thread(target=guarded, args=(read, each, count)) for each in readers]
    for thread in threads:
        thread.start()

    def wait_for(uploaded: int, ranges: int) -> None:
        wait_until(
            lambda: bool(errors) or (len(told) >= uploaded and count[0] >= ranges),
            f"{uploaded} objects and {ranges} ranges",
            60,
        )

    try:
        yield wait_for
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert errors == []


def test_a_volume_server_is_killed_under_uploads_and_reads_and_nothing_told_is_lost(
    pair: Pair,
) -> None:
    urls = [pair.urls[name] for name in NAMES]
    told: list[int] = []
    upload(Client(urls[:1]), range(1), told, threading.Event())
    count = [0]
    # Each has one origin and asks once: whatever fails there fails here.
    uploaders, readers = ([Client(urls[:1]), Client(urls[1:])] for _ in range(2))
    wait_until(lambda: httpx.head(f"{urls[1]}/v1/content/films/0").is_success, "both know", 5)
    with working(uploaders, readers, told, count) as wait_for:
        wait_for(4, 20)
        pair.seaweedfs.kill_volume_server(1)
        wait_for(len(told) + 4, count[0] + 40)
    for number in told:
        body = httpx.get(f"{urls[0]}/v1/content/films/{number}", timeout=30).content
        assert hashlib.sha256(body).digest() == hashlib.sha256(content_of(number)).digest()
    pair.seaweedfs.start_volume_server(1)
    wait_until(lambda: pair.seaweedfs.volume_servers() == VOLUME_SERVERS, "it is back", 20)


def test_one_origin_is_killed_during_uploads_and_reads_and_clients_go_on(pair: Pair) -> None:
    one, two = (pair.urls[name] for name in NAMES)
    told: list[int] = []
    upload(Client([one]), range(1), told, threading.Event())
    wait_until(lambda: httpx.head(f"{two}/v1/content/films/0").is_success, "the other knows", 5)
    count = [0]
    uploaders = [Client([one, two]), Client([two, one])]
    readers = [Client([one, two]), Client([two, one])]
    with working(uploaders, readers, told, count) as wait_for:
        wait_for(5, 20)
        pair.kill(NAMES[0])
        wait_for(len(told) + 4, count[0] + 20)
    assert uploaders[0].failovers >= 1
    assert readers[0].failovers >= 1
    pair.start(NAMES[0])
    for url in (one, two):
        for number in told:
            body = httpx.get(f"{url}/v1/content/films/{number}", timeout=30).content
            assert hashlib.sha256(body).digest() == hashlib.sha256(content_of(number)).digest()
        changes = httpx.get(f"{url}/v1/changes?after=0&limit=1000").json()
        sequences = [change["sequence"] for change in changes["changes"]]
        assert sequences == list(range(1, len(sequences) + 1))
        assert {change["key"] for change in changes["changes"]} >= {f"films/{n}" for n in told}


def test_an_upload_that_loses_its_origin_goes_on_at_the_other(pair: Pair) -> None:
    """Cut, resumed, and its origin killed in the middle: no byte is lost or kept twice."""
    data = random.Random(9).randbytes(21 * MIB + 7)
    key = b64encode(b"films/resumed").decode()
    tus = {"Tus-Resumable": "1.0.0"}
    created = httpx.post(
        f"{pair.urls[NAMES[0]]}/v1/uploads",
        headers={**tus, "Upload-Length": str(len(data)), "Upload-Metadata": f"key {key}"},
    )
    assert created.status_code == 201, created.text
    path = httpx.URL(created.headers["Location"]).path

    def offset_at(url: str) -> int:
        return int(httpx.head(url + path, headers=tus).headers["Upload-Offset"])

    def send(url: str, start: int, stop: int, announced: int) -> None:
        """Bytes `[start, stop)` of a request that announced more, and then the line breaks."""

        def body() -> Iterator[bytes]:
            for at in range(start, stop, 300_000):
                yield data[at : min(stop, at + 300_000)]
            if stop - start < announced:
                raise ConnectionError("the line breaks")

        fields = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(start)}
        length = {"Content-Length": str(announced)}
        with suppress(httpx.HTTPError, ConnectionError):
            httpx.patch(url + path, headers={**tus, **fields, **length}, content=body(), timeout=30)

    one, two = (pair.urls[name] for name in NAMES)
    send(one, 0, 5 * MIB + 11, len(data))
    wait_until(lambda: offset_at(one) == 5 * MIB + 11, "what came before the cut is durable", 20)
    send(two, 5 * MIB + 11, 13 * MIB, 8 * MIB - 11)
    assert offset_at(two) == 13 * MIB
    killer = threading.Timer(0.3, pair.kill, [NAMES[1]])
    killer.start()
    send(two, 13 * MIB, len(data), len(data) - 13 * MIB)
    killer.join()
    at = offset_at(one)
    assert at >= 13 * MIB
    send(one, at, len(data), len(data) - at)
    found = httpx.get(f"{one}/v1/content/films/resumed", timeout=30)
    assert hashlib.sha256(found.content).digest() == hashlib.sha256(data).digest()


def test_what_one_origin_publishes_the_other_tells_its_followers(pair: Pair) -> None:
    one, two = (pair.urls[name] for name in NAMES)
    answers: list[httpx.Response] = []
    waiting = threading.Thread(
        target=lambda: answers.append(httpx.get(f"{two}/v1/changes?after=0&wait=30", timeout=40))
    )
    waiting.start()
    assert httpx.put(f"{one}/v1/content/a.mp4", content=b"film").status_code == 201
    waiting.join(10)
    (change,) = answers[0].json()["changes"]
    assert (change["kind"], change["key"]) == ("publish", "a.mp4")
    assert httpx.get(f"{two}/v1/content/a.mp4").content == b"film"
    assert httpx.put(f"{two}/v1/titles/t", json={"title": "T", "media": "a.mp4"}).is_success
    wait_until(lambda: httpx.get(f"{one}/v1/titles/t").is_success, "the title is known", 5)
    assert httpx.delete(f"{two}/v1/content/a.mp4").status_code == 204
    wait_until(lambda: httpx.get(f"{one}/v1/content/a.mp4").status_code == 404, "it is gone", 5)


def test_without_the_database_reads_go_on_and_writes_are_refused(pair: Pair) -> None:
    one, _ = (pair.urls[name] for name in NAMES)
    assert httpx.put(f"{one}/v1/content/a.mp4", content=b"film").status_code == 201
    pair.postgres.stop(signal.SIGQUIT)
    assert httpx.get(f"{one}/v1/content/a.mp4").content == b"film"
    assert httpx.put(f"{one}/v1/content/b.mp4", content=b"film").status_code == 503
    pair.postgres.start()
    wait_until(
        lambda: httpx.put(f"{one}/v1/content/b.mp4", content=b"film").status_code == 201,
        "writes are taken again",
        20,
    )
