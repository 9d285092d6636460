"""The operator page in a real browser, over three real edges and five hundred simulated ones."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from cdnkit.wire import METRICS_PATH
from geo_router.overview.figures import HIT, OWN, kind_of
from scripts.overview.figures import read_figures
from tests.helpers.cluster import ADDRESSES, ROOT, Cluster, client
from tests.helpers.processes import Running, wait_until

WAIT_MS = 20_000
KEY = "films/seen.mp4"
PURGED = "films/purged.mp4"
VIEWS = ("overview", "fleet", "titles", "purges", "fillplan", "events", "explain")
SEEN_AT = """(name) => new Promise((resolve) => {
  const shown = () => [...document.querySelectorAll("#view-fleet tbody tr")].find(
    (row) => row.textContent.includes(name) && !row.querySelector(".state-up"));
  const look = () => { if (shown()) { watch.disconnect(); resolve(Date.now() / 1000); } };
  const watch = new MutationObserver(look);
  watch.observe(document.body, { subtree: true, childList: true, characterData: true });
  look();
})"""
RECONNECT = """async () => {
  const { Live } = await import("./live.js");
  const live = new Live();
  for (let count = 0; count < 20; count += 1) {
    live.connect();
    await new Promise((heard) => live.addEventListener("change", heard, { once: true }));
  }
  live.end();
}"""
LONGEST_TASK = """() => { window.longest = 0;
  new PerformanceObserver((list) => list.getEntries().forEach(
    (entry) => { window.longest = Math.max(window.longest, entry.duration); }
  )).observe({ entryTypes: ["longtask"] }); }"""


@contextmanager
def watched(browser: Browser, url: str, **options: object) -> Iterator[Page]:
    """A page of a router, of which no complaint is let pass and no foreign address."""
    page = browser.new_page(**options)  # type: ignore[arg-type]
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    page.on(
        "request", lambda ask: complaints.append(ask.url) if not ask.url.startswith(url) else None
    )
    page.goto(f"{url}/operate/#fleet")
    yield page
    assert complaints == []
    page.close()


def with_two_workers(document: dict[str, Any]) -> None:
    """One edge answers the router by one worker or the other."""
    document["edges"][0]["workers"] = 2


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of its own: one of its edges dies."""
    with Cluster(tmp_path_factory.mktemp("operated"), with_two_workers) as started:
        started.put(KEY, bytes(3 << 20), "video/mp4")
        yield started


def watch_film(cluster: Cluster, site: str) -> None:
    with client(ADDRESSES[site]) as http:
        http.get(f"{cluster.router}/{KEY}", follow_redirects=True).raise_for_status()


def test_every_view_shows_what_three_edges_do(browser: Browser, three: Cluster) -> None:
    with watched(browser, three.router) as page:
        for site in ADDRESSES:
            watch_film(three, site)
            watch_film(three, site)
        order = httpx.post(f"{three.origin}/v1/purge", json={"object": KEY}).raise_for_status()
        page.locator("#view-fleet tbody tr").nth(2).wait_for(timeout=WAIT_MS)
        page.get_by_role("link", name="Overview").click()
        total = 6 * (3 << 20)
        page.get_by_text(f"of {total / 1e6:.1f} MB").wait_for(timeout=WAIT_MS)
        assert page.locator(".site").count() == 3
        page.get_by_role("link", name="Top titles").click()
        page.get_by_role("rowheader", name=f"/{KEY}").wait_for(timeout=WAIT_MS)
        page.get_by_role("link", name="Purges").click()
        page.locator("summary", has_text=KEY).click(timeout=WAIT_MS)
        receipts = page.locator(".order tbody tr", has_text="done")
        receipts.nth(2).wait_for(timeout=WAIT_MS)
        assert order.json()["kind"] == "purge"
        page.get_by_role("link", name="Fill plan").click()
        page.get_by_text("No edge was told to fetch").wait_for(timeout=WAIT_MS)
        page.get_by_role("link", name="Explain").click()
        page.get_by_label("Viewer's address").fill(ADDRESSES["sin"])
        page.get_by_role("button", name="Explain").click()
        page.get_by_text("Goes to").wait_for(timeout=WAIT_MS)
        assert "edge-sin" in page.locator("#explanation ol").inner_text()


def test_the_page_the_metrics_and_the_logs_agree_to_the_byte(three: Cluster) -> None:
    for edge in three.edges.values():
        for _ in range(3):
            httpx.get(f"{edge}/{KEY}").raise_for_status()
        httpx.get(f"{edge}/{KEY}", headers={"Range": "bytes=7-1500000"}).raise_for_status()
        httpx.head(f"{edge}/{KEY}").raise_for_status()
        assert httpx.get(f"{edge}/films/missing.mp4").status_code == 404
    three.put(PURGED, bytes(1 << 20))
    for _ in range(2):
        for edge in three.edges.values():
            httpx.get(f"{edge}/{PURGED}").raise_for_status()
        httpx.post(f"{three.origin}/v1/purge", json={"object": PURGED}).raise_for_status()
        wait_until(lambda: all_done(three), "every edge has purged", 20)

    def agree() -> bool:
        shown = httpx.get(f"{three.router}/v1/overview").json()["sent_bytes"]
        told = by_kind(sent for edge in three.topology.edges for sent in told_by(str(edge.admin)))
        logged = by_kind(
            (each["outcome"], each.get("reason", ""), each["bytes"])
            for name in three.edges
            for each in three.access_log(name)
        )
        shown = {kind: count for kind, count in shown.items() if count and kind != OWN}
        return shown == told == logged and shown.keys() >= {HIT, "cold", "purged"}

    wait_until(agree, "page, metrics and logs have the same bytes of each kind", 30)


def all_done(cluster: Cluster) -> bool:
    orders = httpx.get(f"{cluster.origin}/v1/purges").raise_for_status().json()["items"]
    return all(order["state"] == "done" for order in orders)


def told_by(admin: str) -> Iterator[tuple[str, str, float]]:
    """Bytes by outcome and reason, as the metrics of an edge have them."""
    text = httpx.get(f"http://{admin}{METRICS_PATH}").raise_for_status().text
    for name, labels, count in read_figures(text).samples:
        if name == "cinedge_edge_sent_bytes_total":
            yield labels["outcome"], labels["reason"], count


def by_kind(sent: Iterable[tuple[str, str, float]]) -> dict[str, float]:
    """Bytes by the kinds of the page. The router's own questions go on, and are left out."""
    total: Counter[str] = Counter()
    for outcome, reason, count in sent:
        total[kind_of(f"{outcome}:{reason}" if reason else outcome)] += round(count)
    return {kind: count for kind, count in total.items() if count and kind != OWN}


@pytest.mark.alone
def test_a_killed_edge_is_on_the_page_within_a_second(browser: Browser, three: Cluster) -> None:
    with watched(browser, three.router) as page:
        page.locator("#view-fleet tbody tr").nth(2).wait_for(timeout=WAIT_MS)
        page.evaluate(f"() => {{ window.seen = ({SEEN_AT})('edge-iad'); }}")
        killed_at = time.time()
        three.kill("edge-iad")
        seen_at = float(page.evaluate("() => window.seen"))
        changes = httpx.get(f"{three.router}/v1/overview").json()["journal"]
        of_edge = [each["at"] for each in changes if each["about"] == "edge-iad"]
        known_at = next(at for at in of_edge if at >= killed_at - 0.001)
        print(f"known {known_at - killed_at:.3f} s after the kill, shown {seen_at - known_at:.3f}")
        page.locator(".state-down").first.wait_for(timeout=WAIT_MS)
        page.get_by_role("link", name="Events").click()
        page.locator(".journal").get_by_text("cannot connect").first.wait_for(timeout=WAIT_MS)
    assert seen_at - killed_at < 1


def test_the_page_says_that_its_router_is_gone_and_goes_on_when_it_is_back(
    browser: Browser, three: Cluster
) -> None:
    page = browser.new_page()
    page.goto(f"{three.router}/operate/")
    page.locator("#pulse", has_text="Live").wait_for(timeout=WAIT_MS)
    three.kill("router")
    page.locator("#pulse.failed").wait_for(timeout=WAIT_MS)
    three.start("router", "router")
    page.locator("#pulse", has_text="Live").wait_for(timeout=2 * WAIT_MS)
    page.close()


@pytest.fixture(scope="module")
def many() -> Iterator[str]:
    """The router of five hundred simulated edges."""
    words = ("-m", "scripts.simulated_fleet", "--edges", "500", "--incidents-per-minute", "0")
    with Running((sys.executable, *words), cwd=ROOT) as running:
        yield running.line(60).removeprefix("Operate: ").removesuffix("/operate/")


@pytest.mark.timeout(180)
def test_five_hundred_edges_are_shown_and_twenty_connections_leave_no_memory_behind(
    browser: Browser, many: str
) -> None:
    with watched(browser, many) as page:
        page.get_by_text("500 of 500 edges").wait_for(timeout=2 * WAIT_MS)
        page.evaluate(LONGEST_TASK)
        for view in VIEWS:
            page.evaluate("(view) => { location.hash = view; }", view)
            page.locator(f"#view-{view}").wait_for(timeout=WAIT_MS)
        page.evaluate("location.hash = 'fleet'")
        # A hundred and one edges in few sites.
        page.get_by_label("Name or reason holds").fill("i")
        page.get_by_role("button", name="Show 100 more").click(timeout=WAIT_MS)
        page.locator(".more-rows").wait_for(state="hidden", timeout=WAIT_MS)
        page.get_by_label("Group by site").uncheck()
        page.get_by_label("Name or reason holds").fill("fra-")
        page.locator("#view-fleet tbody tr").first.wait_for(timeout=WAIT_MS)
        assert "fra-" in page.locator("#view-fleet tbody tr").first.inner_text()
        before = heap_bytes(page)
        page.evaluate(RECONNECT)
        after = heap_bytes(page)
        print(f"heap {before / 2**20:.1f} MiB, {after / 2**20:.1f} after twenty connections more")
        longest_ms = float(page.evaluate("window.longest"))
        print(f"longest task {longest_ms:.0f} ms")
    assert after < 1.5 * before


def heap_bytes(page: Page) -> int:
    """What the page holds once its garbage is gone."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return int(used)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, many: str, width: int) -> None:
    with watched(browser, many, viewport={"width": width, "height": 800}) as page:
        for view in VIEWS:
            page.evaluate("(view) => { location.hash = view; }", view)
            page.locator(f"#view-{view}").wait_for(timeout=WAIT_MS)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, view


def test_the_page_is_used_by_keyboard_alone(browser: Browser, many: str) -> None:
    with watched(browser, many) as page:
        page.get_by_text("500 of 500 edges").wait_for(timeout=2 * WAIT_MS)
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.locator("#view-overview .site").first.wait_for(timeout=WAIT_MS)
        assert page.evaluate("document.activeElement.id") == "overview-title"
        page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        site = page.evaluate("document.activeElement.dataset.site")
        page.locator(".map-told", has_text=f"{site}:").wait_for(timeout=WAIT_MS)
        page.keyboard.press("Enter")
        page.get_by_label("Site", exact=True).wait_for(timeout=WAIT_MS)
        assert page.get_by_label("Site", exact=True).input_value() == site
