"""A film, a cluster that nobody breaks, players and a browser, made once for all or per module."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from scripts.make_media import Film, make_film
from tests.helpers.cluster import Cluster
from tests.helpers.players import FLAGS, install_players


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real film, small and quick to make."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    make_film(path, Film(seconds=30, width=640, height=360))
    return path


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Origin, router and three edges, all ready; many files put something into them."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The players, from their registry, in the versions of tests/players."""
    return install_players(tmp_path_factory.mktemp("players"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()
