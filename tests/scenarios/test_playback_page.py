"""The player page plays the package of a title that has one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.helpers.cluster import Cluster
from tests.helpers.playback import publish
from tests.helpers.processes import wait_until

FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]


def ask_for_ladder(document: dict[str, Any]) -> None:
    document["origins"][0]["packaging"] = {"ladder": ["240p"], "pictures": False}


@pytest.fixture(scope="module")
def laddered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("laddered"), ask_for_ladder) as started:
        yield started


def play(cluster: Cluster) -> str:
    """Play the title from the page; where the video comes from."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page()
        page.goto(f"{cluster.origin}/")
        page.get_by_role("link", name="packaged").click(timeout=20_000)
        page.get_by_role("button", name="Play").click(timeout=20_000)
        page.locator("video").wait_for(timeout=20_000)
        script = "() => document.querySelector('video').currentTime"
        wait_until(lambda: bool(page.evaluate(script) > 0.5), "it plays", 20)
        source = str(page.evaluate("() => document.querySelector('video').currentSrc"))
        browser.close()
    return source


def test_page_plays_the_packaged_film_through_an_edge(cluster: Cluster, film: Path) -> None:
    played = publish(cluster, "packaged", film, "edge-fra")
    assert play(cluster) == played.url("progressive")


def test_page_plays_hls_where_there_is_something_to_choose(laddered: Cluster, film: Path) -> None:
    played = publish(laddered, "packaged", film, "edge-fra")
    assert [each["name"] for each in played.package["video"]] == ["film.mp4", "video-240p.mp4"]
    assert play(laddered) == played.url("hls")
