"""`scripts/run` starts a CDN that plays, says exactly where, ends cleanly, and starts warm."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.cli.up import FILM_KEY
from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.processes import Running, is_running, wait_until

pytestmark = [pytest.mark.alone, pytest.mark.timeout(240)]

FAR_INTO_THE_FILM = {"Range": "bytes=4000000-4000099"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


@pytest.fixture
def up(data: Path) -> Iterator[Running]:
    if not (ROOT / ".venv" / "stamp-1").exists():
        pytest.skip("scripts/setup has not made .venv, and this test must not change it")
    with Running([ROOT / "scripts" / "run", "--data", data]) as running:
        yield running


def two_lines(up: Running) -> tuple[str, str]:
    play, operate = up.line(180), up.line(10)
    assert play.startswith("Play: http://127.0.0.1:")
    assert operate.startswith("Operate: http://127.0.0.1:")
    return play.removeprefix("Play: "), operate.removeprefix("Operate: ")


def children(pid: int) -> list[int]:
    """Every process that `pid` started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def far_range(operate: str) -> httpx.Response:
    router = operate.removesuffix("/operate/")
    answer = httpx.get(f"{router}/{FILM_KEY}", headers=FAR_INTO_THE_FILM, follow_redirects=True)
    assert answer.status_code == 206
    return answer


def test_first_start_makes_a_film_that_plays_and_ctrl_c_leaves_nothing_running(
    up: Running, data: Path
) -> None:
    play, operate = two_lines(up)
    assert "text/html" in httpx.get(play).raise_for_status().headers["Content-Type"]
    assert "text/html" in httpx.get(operate).raise_for_status().headers["Content-Type"]
    film = data / FILM_KEY
    assert far_range(operate).content == film.read_bytes()[4_000_000:4_000_100]
    titles = httpx.get(f"{play}v1/titles").json()["items"]
    assert [title["media"] for title in titles] == [FILM_KEY]
    started = children(up.process.pid)
    assert len(started) == 5
    up.ask_to_stop(signal.SIGINT)
    assert up.end() == 0
    assert len(up.stdout) == 2
    assert not any(map(is_running, started))


def test_second_start_is_warm(up: Running, data: Path) -> None:
    film = data / FILM_KEY
    made_at = film.stat().st_mtime_ns
    began = time.monotonic()
    _, operate = two_lines(up)
    assert time.monotonic() - began < 12
    assert film.stat().st_mtime_ns == made_at
    assert "hit" in far_range(operate).headers["Cache-Status"]
    up.ask_to_stop(signal.SIGTERM)
    assert up.end() == 0
    log = (data / "logs" / "origin.access.jsonl").read_text().splitlines()
    uploads = [line for line in map(json.loads, log) if line["method"] == "PUT"]
    assert len(uploads) == 2, "one film and one title, in two starts"


def test_second_run_on_the_same_data_is_refused_and_disturbs_nothing(
    up: Running, data: Path
) -> None:
    two_lines(up)
    with Running([*CINEDGE, "up", "--data", data], cwd=ROOT) as second:
        assert second.end() == 1
    assert second.stdout == []
    assert any(f"process {up.process.pid}" in line for line in second.stderr)
    assert up.process.poll() is None


def test_process_that_dies_is_started_again_and_plays_on(up: Running) -> None:
    _, operate = two_lines(up)
    router = operate.removesuffix("/operate/")
    (victim,) = (pid for pid in children(up.process.pid) if "edge-fra" in command_line(pid))
    os.kill(victim, signal.SIGKILL)
    wait_until(
        lambda: any("edge-fra was ended by SIGKILL; starting it" in line for line in up.stderr),
        "the death is told",
    )
    wait_until(
        lambda: any("edge-fra" in command_line(pid) for pid in children(up.process.pid)),
        "the edge runs again",
    )
    wait_until(lambda: far_range_is_answered(router), "the film plays again")


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def far_range_is_answered(router: str) -> bool:
    url = f"{router}/{FILM_KEY}"
    try:
        answer = httpx.get(url, headers=FAR_INTO_THE_FILM, follow_redirects=True)
    except httpx.HTTPError:
        return False
    return answer.status_code == 206
