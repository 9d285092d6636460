"""An HDFS of one NameNode and two DataNodes on loopback, over one folder, from the fetched jars.

Ports are free ones; every block has two copies. Members may be killed and started again. Needs
Java; what a member wrote is part of the complaint when it does not come up.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from cdnkit.errors import UnavailableError
from scripts.demo_topology import free_ports
from scripts.hadoop.jars import find_jars

DATANODES: Final = 2
START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.1
_HOST: Final = "127.0.0.1"
_NAMENODE: Final = "org.apache.hadoop.hdfs.server.namenode.NameNode"
_DATANODE: Final = "org.apache.hadoop.hdfs.server.datanode.DataNode"
_OPENED: Final = ("lang", "io", "net", "nio", "util")
# Hadoop 2 was written for Java 8 and looks into what Java 17 keeps closed.
_JAVA_OPTIONS: Final = (
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in _OPENED),
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    *("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
)


def missing(environ: Mapping[str, str]) -> str | None:
    """What keeps a cluster from starting here; None when nothing does."""
    if shutil.which("java") is None:
        return "Java is not installed"
    if not find_jars(environ):
        return "the jars of HDFS are not here: python -m scripts.hadoop.jars"
    return None


class HdfsCluster:
    """A cluster that runs."""

    def __init__(self, jars: Sequence[Path], root: Path) -> None:
        self._root = root
        ports = free_ports(2 + 3 * DATANODES)
        self.port, self._web_port, *rest = ports
        self._node_ports = [rest[3 * n : 3 * n + 3] for n in range(DATANODES)]
        folders = (root / "conf", root / "web")
        self._class_path = ":".join(map(str, (*folders, *jars)))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._registrations = 0
        for name in ("hdfs", "datanode", "static"):
            # Empty: the web servers only want them on the class path.
            (root / "web" / "webapps" / name).mkdir(parents=True)
        self._write_settings()

    @property
    def url(self) -> str:
        """The root of its files."""
        return f"hdfs://{_HOST}:{self.port}"

    def start(self) -> None:
        """Format, start everything, and wait until all DataNodes are known. UnavailableError."""
        done = self._run(_NAMENODE, "-format", "-nonInteractive")
        if done.returncode != 0:
            raise UnavailableError(f"HDFS cannot be formatted: {done.stderr[-800:]}")
        self._start("namenode", _NAMENODE)
        for number in range(DATANODES):
            self._start_datanode(number)
        self._wait_for_datanodes()

    def restart_datanode(self, number: int) -> None:
        """Start one that was killed, over what it had. Raises UnavailableError."""
        self._start_datanode(number)
        self._wait_for_datanodes()

    def _start_datanode(self, number: int) -> None:
        self._registrations += 1
        data, control, web = self._node_ports[number]
        said = {
            "dfs.datanode.data.dir": str(self._root / f"data-{number}"),
            "dfs.datanode.address": f"{_HOST}:{data}",
            "dfs.datanode.ipc.address": f"{_HOST}:{control}",
            "dfs.datanode.http.address": f"{_HOST}:{web}",
        }
        words = [word for name, value in said.items() for word in ("-D", f"{name}={value}")]
        self._start(f"datanode-{number}", _DATANODE, *words)

    def kill_datanode(self, number: int) -> None:
        """End one at once, as a power cut would."""
        process = self._processes.pop(f"datanode-{number}")
        process.kill()
        process.wait()

    def said(self, name: str) -> str:
        """The log of one of its processes so far."""
        return (self._root / f"{name}.log").read_text(errors="replace")

    def _wait_for_datanodes(self) -> None:
        """Until the NameNode knows all that were started."""
        deadline = time.monotonic() + START_SECONDS
        while self.said("namenode").count("registerDatanode") < self._registrations:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise UnavailableError(f"{name} of HDFS ended: {self.said(name)[-800:]}")
            if time.monotonic() > deadline:
                raise UnavailableError(f"HDFS is not up: {self.said('namenode')[-800:]}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End everything."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def _write_settings(self) -> None:
        core = {"fs.defaultFS": self.url, "hadoop.tmp.dir": str(self._root / "tmp")}
        hdfs = {
            "dfs.namenode.name.dir": str(self._root / "names"),
            "dfs.namenode.http-address": f"{_HOST}:{self._web_port}",
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.replication": str(DATANODES),
            "dfs.webhdfs.enabled": "false",
            "dfs.permissions.enabled": "false",
            "dfs.namenode.safemode.extension": "0",
            # A DataNode that is silent for three seconds is given no new blocks.
            "dfs.heartbeat.interval": "1",
            "dfs.namenode.stale.datanode.interval": "3000",
            "dfs.namenode.avoid.write.stale.datanode": "true",
            "dfs.namenode.avoid.read.stale.datanode": "true",
        }
        folder = self._root / "conf"
        folder.mkdir()
        (folder / "core-site.xml").write_text(_settings(core))
        (folder / "hdfs-site.xml").write_text(_settings(hdfs))
        (folder / "log4j.properties").write_text(_LOGGING)

    def _start(self, name: str, main: str, *words: str) -> None:
        with open(self._root / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                self._command(main, *words), stdout=log, stderr=log, start_new_session=True
            )

    def _run(self, main: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(main, *words), capture_output=True, text=True, check=False
        )

    def _command(self, main: str, *words: str) -> list[str]:
        return ["java", *_JAVA_OPTIONS, "-cp", self._class_path, main, *words]


_LOGGING: Final = """\
log4j.rootLogger=INFO,console
log4j.appender.console=org.apache.log4j.ConsoleAppender
log4j.appender.console.target=System.err
log4j.appender.console.layout=org.apache.log4j.PatternLayout
log4j.appender.console.layout.ConversionPattern=%p %c{1}: %m%n
"""


def _settings(values: Mapping[str, str]) -> str:
    lines = "".join(
        f"<property><name>{name}</name><value>{value}</value></property>"
        for name, value in values.items()
    )
    return f"<configuration>{lines}</configuration>\n"


@contextmanager
def hdfs_cluster(root: Path) -> Iterator[HdfsCluster]:
    """A running cluster, gone with its processes at the end. Raises UnavailableError."""
    reason = missing(os.environ)
    if reason is not None:
        raise UnavailableError(reason)
    cluster = HdfsCluster(find_jars(os.environ), root)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
