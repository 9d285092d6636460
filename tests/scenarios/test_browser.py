"""A real browser opens the player page, plays through an edge and seeks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
KEY = "films/browser.mp4"
WAIT_SECONDS = 20
WAIT_MS = WAIT_SECONDS * 1000


@pytest.fixture(scope="module")
def chromium() -> str:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed")
    return path


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        page = browser.new_page()
        yield page
        browser.close()


@pytest.fixture(scope="module", autouse=True)
def _title(cluster: Cluster, film: Path) -> None:
    cluster.put(KEY, film.read_bytes(), "video/mp4")
    title = {"title": "A film for the browser", "media": KEY}
    httpx.put(f"{cluster.origin}/v1/titles/browser", json=title).raise_for_status()


def test_browser_plays_seeks_and_is_told_which_edge_serves_it(cluster: Cluster, page: Page) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)

    page.goto(f"{cluster.origin}/")
    page.get_by_role("link", name="A film for the browser").click(timeout=WAIT_MS)
    page.get_by_role("button", name="Play").click(timeout=WAIT_MS)
    page.locator("video").wait_for(timeout=WAIT_MS)
    wait_until(lambda: video(page, "currentTime > 0.5"), "it plays", WAIT_SECONDS)
    assert video(page, "currentTime = v.duration * 0.8")
    wait_until(
        lambda: video(page, "currentTime > v.duration * 0.8 + 1 && !v.paused"),
        "it plays on after the seek",
        WAIT_SECONDS,
    )

    assert video(page, "error === null")
    assert page.locator("#served").inner_text() == "Served by edge-fra (fra)"
    assert complaints == []
    wait_until(lambda: 206 in film_statuses(cluster), "the edge has logged ranges", 5)
    assert film_statuses(cluster) <= {200, 206, 499}


def video(page: Page, claim: str) -> bool:
    """Whether something is true of the video now; asked from outside, as the page forbids eval."""
    script = f"() => {{ const v = document.querySelector('video'); return v.{claim}; }}"
    return bool(page.evaluate(script))


def film_statuses(cluster: Cluster) -> set[int]:
    return {line["status"] for line in cluster.access_log("edge-fra") if KEY in line["path"]}


def test_operator_page_shows_every_edge(cluster: Cluster, page: Page) -> None:
    page.goto(f"{cluster.router}/operate/#fleet")
    for name in cluster.edges:
        page.get_by_text(name).first.wait_for(timeout=WAIT_MS)
