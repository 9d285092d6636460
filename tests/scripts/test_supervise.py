"""Processes are started again when they die, given up when hopeless, and gone when we leave."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import UnavailableError
from scripts import supervise
from scripts.supervise import QUICK_DEATH_SECONDS, QUICK_DEATHS_MAX, Patience, Supervisor
from tests.helpers.processes import Running, is_running, wait_until

REPORT_PID = "import os, sys, time; print(os.getpid(), file=open(sys.argv[1], 'a'), flush=True); "
SLEEP = "time.sleep(60)"


def refuse_to_speak(sentence: str) -> None:
    raise AssertionError(sentence)


def python(code: str, *arguments: Path) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


async def until(claim: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_until, claim, "what the test waits for")


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


async def test_leaving_stops_every_process(tmp_path: Path) -> None:
    async with Supervisor(tmp_path / "logs", refuse_to_speak) as supervisor:
        for name in ("one", "two"):
            supervisor.start(name, python(REPORT_PID + SLEEP, tmp_path / "pids"))
        await until(lambda: len(pids(tmp_path / "pids")) == 2)
    assert not any(map(is_running, pids(tmp_path / "pids")))


async def test_killed_process_is_started_again_and_said_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_DELAY_SECONDS", 0.01)
    said: list[str] = []
    async with Supervisor(tmp_path, said.append) as supervisor:
        supervisor.start("edge", python(REPORT_PID + SLEEP, tmp_path / "pids"))
        await until(lambda: len(pids(tmp_path / "pids")) == 1)
        os.kill(pids(tmp_path / "pids")[0], signal.SIGKILL)
        await until(lambda: len(pids(tmp_path / "pids")) == 2)
        assert supervisor.pid("edge") == pids(tmp_path / "pids")[1]
    assert len(said) == 1
    assert "edge was ended by SIGKILL; starting it again in 0.01 s" in said[0]


async def test_hopeless_process_ends_the_whole_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "FIRST_DELAY_SECONDS", 0.001)
    async with Supervisor(tmp_path, lambda _: None) as supervisor:
        supervisor.start("router", python("raise SystemExit('no such site: mars')"))
        with pytest.raises(UnavailableError, match=r"(?s)router ended with exit code 1.*mars"):
            await supervisor.failure()


async def test_process_that_ignores_the_request_is_killed_with_its_children(
    tmp_path: Path,
) -> None:
    code = "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid"
    spawn = f"print({child}, file=open(sys.argv[1], 'a'), flush=True); "
    said: list[str] = []
    async with Supervisor(tmp_path, said.append, grace_seconds=0.2) as supervisor:
        command = python("import sys; " + code + spawn + REPORT_PID + SLEEP, tmp_path / "pids")
        supervisor.start("stubborn", command)
        await until(lambda: len(pids(tmp_path / "pids")) == 2)
    await until(lambda: not any(map(is_running, pids(tmp_path / "pids"))))
    assert "does not stop when asked" in said[0]


async def test_output_of_a_process_is_in_its_log(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, lambda _: None) as supervisor:
        supervisor.start("origin", python("print('hello', flush=True); import time; " + SLEEP))
        await until(lambda: "hello" in supervise.log_tail(supervisor.log_path("origin")))


async def test_call_that_fails_carries_the_words_of_the_command(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, refuse_to_speak) as supervisor:
        await supervisor.call(python("pass"))
        with pytest.raises(UnavailableError, match="no ffmpeg"):
            await supervisor.call(python("raise SystemExit('no ffmpeg')"))


async def test_cancelled_call_takes_its_command_along(tmp_path: Path) -> None:
    async with Supervisor(tmp_path, refuse_to_speak) as supervisor:
        command = python(REPORT_PID + SLEEP, tmp_path / "pids")
        call = asyncio.create_task(supervisor.call(command))
        await until(lambda: len(pids(tmp_path / "pids")) == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert not is_running(pids(tmp_path / "pids")[0])


async def test_processes_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from scripts.supervise import Supervisor
async def main():
    async with Supervisor(Path({str(tmp_path)!r}), print) as supervisor:
        supervisor.start("child", [sys.executable, "-c", {REPORT_PID + SLEEP!r}, sys.argv[1]])
        await supervisor.failure()
asyncio.run(main())
"""
    with Running(python(program, tmp_path / "pids"), cwd=Path(__file__).parents[2]) as supervisor:
        await until(lambda: len(pids(tmp_path / "pids")) == 1)
        supervisor.ask_to_stop(signal.SIGKILL)
        await until(lambda: not is_running(pids(tmp_path / "pids")[0]))


@given(st.lists(st.floats(0, 1000), max_size=30))
def test_only_quick_deaths_in_a_row_are_hopeless(lives: list[float]) -> None:
    patience, row = Patience(), 0
    for lived_seconds in lives:
        patience = patience.after_death(lived_seconds)
        row = row + 1 if lived_seconds < QUICK_DEATH_SECONDS else 1
        assert patience.is_hopeless == (row >= QUICK_DEATHS_MAX)


def test_delay_doubles_with_each_quick_death() -> None:
    delays, patience = [], Patience()
    for _ in range(3):
        patience = patience.after_death(0)
        delays.append(patience.delay_seconds)
    assert delays == [0.5, 1.0, 2.0]
