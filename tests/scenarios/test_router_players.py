"""Players that listen to content steering leave an edge within one TTL of its drain, and play on.

Real processes, real players: hls.js with HLS and Shaka Player with DASH in headless Chromium. What
they do is seen from outside, by the requests that the browser makes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request

from scripts.cli.main import main
from tests.helpers.cluster import Cluster
from tests.helpers.playback import Played, publish
from tests.helpers.players import SCRIPTS

pytestmark = pytest.mark.alone

TTL_SECONDS = 5
SEGMENT_SECONDS = 2
PROBE_SECONDS = 2.0
"""One look of the router, and the time-out of a busy machine."""

# Little is bought ahead: a film that is all in memory shows nothing.
START = {
    "hls": """url => { const p = new Hls({ maxBufferLength: 3, maxMaxBufferLength: 3 });
        p.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) errors.push(e.details); });
        p.loadSource(url); p.attachMedia(v); v.play(); }""",
    "shaka": """async url => { shaka.polyfill.installAll(); const p = new shaka.Player();
        p.configure({ streaming: { bufferingGoal: 3, rebufferingGoal: 1 } });
        await p.attach(v); p.addEventListener('error', e => errors.push('' + e.detail.code));
        await p.load(url).catch(e => errors.push('' + e.code)); v.play(); }""",
}
WATCH_FOR_STALLS = """() => { window.stalls = [];
    for (const kind of ['waiting', 'stalled', 'seeking'])
        v.addEventListener(kind, () => stalls.push([kind, v.currentTime])); }"""


def steer_often(document: dict[str, Any]) -> None:
    document["router_settings"] = {
        "steering_shortest_seconds": TTL_SECONDS,
        "steering_longest_seconds": TTL_SECONDS,
    }
    # A clone is another host and nothing else: edges differ by address alone, as anywhere.
    port = document["edges"][0]["listen"].rpartition(":")[2]
    for number, edge in enumerate(document["edges"], 11):
        edge["listen"] = f"127.0.0.{number}:{port}"
    router = document["routers"][0]
    router["listen"] = f"127.0.0.1:{port}"
    document["origins"][0]["router_url"] = f"http://127.0.0.1:{port}"
    document["origins"][0]["packaging"] = {"pictures": False, "segment_seconds": SEGMENT_SECONDS}


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("steered"), steer_often) as started:
        yield started


@pytest.fixture(scope="module")
def published(steered: Cluster, film: Path) -> Played:
    return publish(steered, "steered", film, "edge-iad")


@dataclass
class Traffic:
    """Requests for the film by moment, edge and path, and steering answers by moment."""

    edges: dict[str, str]
    film: list[tuple[float, str, str]] = field(default_factory=list)
    steering: list[tuple[float, str]] = field(default_factory=list)

    def __call__(self, request: Request) -> None:
        parts = urlsplit(request.url)
        now = time.monotonic()
        if parts.path.startswith("/v1/steering/"):
            self.steering.append((now, request.url))
        elif parts.netloc in self.edges:
            self.film.append((now, self.edges[parts.netloc], parts.path))

    @property
    def edge(self) -> str:
        """The edge asked last."""
        return self.film[-1][1]


def until(page: Page, claim: Any, what: str, seconds: float) -> None:
    """Let the browser go on until a claim about its traffic holds."""
    limit = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < limit, f"never so: {what}"
        page.wait_for_timeout(20)


@pytest.mark.parametrize(("player", "form"), [("hls", "hls"), ("shaka", "dash")])
def test_player_leaves_a_drained_edge_within_one_ttl_without_a_stall(
    player: str,
    form: str,
    steered: Cluster,
    published: Played,
    libraries: Path,
    browser: Browser,
) -> None:
    traffic = Traffic({urlsplit(url).netloc: name for name, url in steered.edges.items()})
    page = browser.new_page()
    page.on("request", traffic)
    page.goto(f"{steered.origin}/livez")
    page.set_content("<video id=v muted width=320></video>")
    page.evaluate("() => { window.errors = []; window.v = document.getElementById('v'); }")
    page.add_script_tag(path=libraries / SCRIPTS[player])
    page.evaluate(
        f"url => {{ ({START[player]})(url); }}", f"{steered.router}/{published.package[form]}"
    )
    page.wait_for_function("() => v.currentTime > 1.5", timeout=20_000)
    page.evaluate(WATCH_FOR_STALLS)
    assert traffic.steering, "the player asks the steering server"
    left = traffic.edge
    began = time.monotonic()
    words = ["--topology", str(steered.topology_path), "--name", left]
    try:
        assert main(["drain", *words]) == 0
        until(page, lambda: steered.fleet()[left] == "draining", "the router knows", PROBE_SECONDS)
        known = time.monotonic()
        until(page, lambda: traffic.edge != left, "it goes elsewhere", TTL_SECONDS + 3)
        moved = time.monotonic()
        first_new = traffic.film[-1]
        page.wait_for_function("() => v.currentTime > 16", timeout=25_000)
        asked = next(at for at, _ in traffic.steering if at >= known)
        print(f"{player}: router knew after {known - began:.2f} s, {moved - known:.2f} s to move")
        # The answer that says so comes within the TTL; the next piece of film follows it.
        assert asked - known <= TTL_SECONDS + 0.5
        assert moved - known <= TTL_SECONDS + SEGMENT_SECONDS
        later = {edge for at, edge, _ in traffic.film if at > first_new[0] + SEGMENT_SECONDS}
        assert left not in later
        assert page.evaluate("() => errors") == []
        assert [s for s in page.evaluate("() => stalls") if s[0] != "stalled"] == []
    finally:
        assert main(["undrain", *words]) == 0
        page.close()
