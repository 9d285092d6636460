"""What the quick starts and the README tell newcomers to type does what they say."""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.cluster import ROOT, Cluster

FILM = "films/slow-dive.mp4"
SIZE = 6 * 1024 * 1024
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "quick-starts.md"
RUNNABLE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks_of(page: Path) -> list[str]:
    return RUNNABLE.findall(page.read_text())


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder that looks like a checkout in which `scripts/run` runs, and what it has printed."""
    folder = tmp_path_factory.mktemp("checkout")
    data = folder / ".cinedge"
    data.mkdir()
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "my.mp4").write_bytes(random.Random(3).randbytes(100_000))
    with Cluster(data) as cluster:
        cluster.put(FILM, random.Random(2).randbytes(SIZE), "video/mp4")
        yield folder, {"ORIGIN": cluster.origin, "ROUTER": cluster.router, "FILM": FILM}


def said_by(block: str, checkout: tuple[Path, dict[str, str]]) -> str:
    """What the lines print. Fails with the first of them that fails, pipes included."""
    folder, environ = checkout
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", block],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_player_finds_an_edge_and_reads_one_version(
    checkout: tuple[Path, dict[str, str]],
) -> None:
    said = said_by(blocks_of(PAGE)[0], checkout)
    assert '"reasons"' in said
    assert "Cache-Status: edge-" in said
    assert said.rstrip().endswith("206")


def test_a_film_is_brought_in_listed_purged_and_deleted(
    checkout: tuple[Path, dict[str, str]],
) -> None:
    said = said_by(blocks_of(PAGE)[1], checkout)
    assert '"kind": "publish"' in said
    assert "films/mine-again.mp4" in said


def test_an_operator_sees_it_explains_it_and_backs_it_up(
    checkout: tuple[Path, dict[str, str]],
) -> None:
    # Where much else runs, a process may take its time to answer.
    block = blocks_of(PAGE)[2].replace("cinedge status ", "cinedge status --timeout 30 ")
    said = said_by(block, checkout)
    assert "edge-fra" in said
    assert "sound" in said


def test_every_other_block_of_the_readme_that_can_run_does(
    checkout: tuple[Path, dict[str, str]],
) -> None:
    blocks = blocks_of(README)
    said = [said_by(block, checkout) for block in blocks]
    assert len(said) >= 4
    assert len(set(said[0].split("\n"))) >= 4, "each region has an edge of its own"
    assert "hit" in said[1]
