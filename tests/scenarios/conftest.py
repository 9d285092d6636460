"""A film and a cluster, made once for all or once per module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.make_media import Film, make_film
from tests.helpers.cluster import Cluster


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real film, small and quick to make."""
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    make_film(path, Film(seconds=30, width=640, height=360))
    return path


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Origin, router and three edges, all ready."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started
