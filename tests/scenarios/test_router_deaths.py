"""Real routers beside each other while edges die: who is named, how long, and what is left."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest
import yaml

from scripts.demo_topology import free_ports
from tests.helpers.cluster import ADDRESSES, CINEDGE, ROOT, Cluster, client
from tests.helpers.processes import Running, wait_until

pytestmark = pytest.mark.alone

OUT_SECONDS = 3.0
ROUTERS = ("router", "router-2", "router-3")
KEY = "films/a.mp4"


def three_routers(document: dict[str, Any]) -> None:
    for name, port in zip(ROUTERS[1:], free_ports(2), strict=True):
        document["routers"].append({"name": name, "listen": f"127.0.0.1:{port}"})


@pytest.fixture
def routed(tmp_path: Path) -> Iterator[Cluster]:
    """Three edges in three sites, three routers of which the first runs."""
    with Cluster(tmp_path, three_routers) as started:
        yield started


def await_edges(url: str, count: int) -> None:
    def ready() -> bool:
        with suppress(httpx.HTTPError):
            states = [edge["state"] for edge in httpx.get(f"{url}/v1/fleet").json()["edges"]]
            return states == ["up"] * count
        return False

    wait_until(ready, f"{url} believes in every edge", 20)


class Relay:
    """A port that leads to another one until it is closed: an edge as one router alone sees it."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse connections from now on."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with near, suppress(OSError):
                    self._exchange(near)

    def _exchange(self, near: socket.socket) -> None:
        """What a probe is: a request, an answer, the end."""
        with socket.create_connection(("127.0.0.1", self._behind), 5) as far:
            near.settimeout(5)
            far.sendall(near.recv(65_536))
            piece = b""
            while not piece.endswith(b"}") and (piece := far.recv(65_536)):
                near.sendall(piece)


class Viewers:
    """Threads that ask routers for a film, one after the other, without a pause."""

    def __init__(self, routers: list[str], address: str) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.seen: list[tuple[float, str]] = []
        self._threads = [
            threading.Thread(target=self._ask, args=(url, address), daemon=True) for url in routers
        ]

    def _ask(self, url: str, address: str) -> None:
        with client(address) as http:
            while not self._stop.is_set():
                answer = http.get(f"{url}/{KEY}", follow_redirects=False)
                told = answer.headers.get("Location", str(answer.status_code))
                with self._lock:
                    self.seen.append((time.monotonic(), told))

    def last(self, told: str) -> float:
        """When an answer was heard last."""
        with self._lock:
            return max((at for at, each in self.seen if each == told), default=0.0)

    def since(self, moment: float) -> Counter[str]:
        """Answers heard after a moment."""
        with self._lock:
            return Counter(told for at, told in self.seen if at > moment)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)


def await_silence(viewers: Viewers, told: str, since: float) -> None:
    """Wait until an answer was not heard for a second."""

    def is_silent() -> bool:
        return time.monotonic() - max(since, viewers.last(told)) > 1.0

    wait_until(is_silent, f"{told} is heard no more")


def rungs(url: str) -> Counter[str]:
    """Decisions by rung, as a router counts them."""
    counted: Counter[str] = Counter()
    text = httpx.get(f"{url}/metrics").text
    found = re.findall(
        r'^cinedge_router_decisions_total\{rung="([^"]*)".*\} ([0-9.e+]+)$', text, re.M
    )
    for rung, count in found:
        counted[rung] += int(float(count))
    return counted


def test_edges_killed_under_load_leave_in_time_and_503_comes_only_at_the_end(
    routed: Cluster,
) -> None:
    for name in ROUTERS[1:]:
        routed.start("router", name)
    urls = [node.url for node in routed.topology.routers]
    for url in urls:
        await_edges(url, 3)
    order = ["edge-iad", "edge-fra", "edge-sin"]
    locations = {name: f"{url}/{KEY}" for name, url in routed.edges.items()}
    with Viewers(urls, ADDRESSES["iad"]) as viewers:
        wait_until(lambda: viewers.last(locations["edge-iad"]) > 0, "the near edge is named")
        for dying, heir in zip(order, [*order[1:], ""], strict=True):
            assert viewers.since(0.0)["503"] == 0
            routed.kill(dying)
            killed = time.monotonic()
            expected = locations[heir] if heir else "503"
            await_silence(viewers, locations[dying], killed)
            out = viewers.last(locations[dying]) - killed
            print(f"{dying}: last named {out:.2f} s after kill -9")
            assert out < OUT_SECONDS
            # Every router agrees, and nothing but the next choice is named.
            assert set(viewers.since(killed + OUT_SECONDS - 0.5)) <= {expected, locations[dying]}
            assert viewers.since(killed)[expected] > 0
    counted: Counter[str] = Counter()
    for url in urls:
        counted += rungs(url)
    heard = viewers.since(0.0)
    print(f"rungs {dict(counted)}, answers {dict(heard)}")
    assert counted["healthy-in-site"] == heard[locations["edge-iad"]]
    others = heard[locations["edge-fra"]] + heard[locations["edge-sin"]]
    assert counted["nearest-healthy"] == others
    assert counted["none"] == heard["503"]


def test_a_router_that_alone_cannot_reach_an_edge_goes_on_naming_it(routed: Cluster) -> None:
    """Agreement between real processes: one sees a refused port, two see a healthy edge."""
    edge = next(each for each in routed.topology.edges if each.name == "edge-fra")
    relay = Relay(edge.listen.port)
    document = yaml.safe_load(routed.topology_path.read_text())
    for each in document["edges"]:
        if each["name"] == "edge-fra":
            each["url"] = f"http://127.0.0.1:{relay.port}"
    own_view = routed.data / "topology-3.yaml"
    own_view.write_text(yaml.safe_dump(document))
    routed.start("router", "router-2")
    command = (*CINEDGE, "router", "--topology", str(own_view), "--name", "router-3")
    with Running(command, cwd=ROOT):
        urls = {node.name: node.url for node in routed.topology.routers}
        for url in urls.values():
            await_edges(url, 3)

        def told(router: str) -> dict[str, Any]:
            edges = httpx.get(f"{urls[router]}/v1/fleet").json()["edges"]
            found: dict[str, Any] = next(e for e in edges if e["name"] == "edge-fra")
            return found

        def named(router: str) -> bool:
            with client(ADDRESSES["fra"]) as http:
                answer = http.get(f"{urls[router]}/{KEY}", follow_redirects=False)
            return str(answer.headers.get("Location", "")).startswith(str(told(router)["url"]))

        relay.close()
        wait_until(lambda: "other routers reach it" in told("router-3")["reason"], "it is outvoted")
        seen = httpx.get(f"{urls['router-3']}/v1/observations").json()["families"]["ipv4"]
        assert "edge-fra" in seen["failing"]
        assert told("router-3")["state"] == "suspect"
        assert all(named(router) for router in urls)
        routed.kill("edge-fra")
        killed = time.monotonic()
        wait_until(lambda: not any(named(router) for router in urls), "all leave it")
        print(f"all three left it {time.monotonic() - killed:.2f} s after kill -9")
        assert time.monotonic() - killed < OUT_SECONDS
        assert {told(router)["state"] for router in urls} == {"down"}
