"""A running supervisor is told over a socket what to start and stop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from scripts.change.control import Control, Hands, hands_in
from scripts.cli.errors import FailedError
from scripts.supervise import Supervisor
from tests.helpers.processes import wait_until

CODES = {"edge": "import time; time.sleep(60)", "broken": "raise SystemExit('port taken')"}


def command_of(tier: str, name: str, file: str | None) -> list[str]:
    return [sys.executable, "-c", CODES[tier], name, file or "in place"]


@pytest.fixture
async def hands(tmp_path: Path) -> AsyncIterator[Hands]:
    # Longer than a path of a socket may be.
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    async with (
        Supervisor(folder / "logs", lambda _: None) as supervisor,
        Control(supervisor, command_of).serving(folder),
    ):
        found = await asyncio.to_thread(hands_in, folder)
        assert found is not None
        yield found
        found.close()


async def ask(hands: Hands, what: str, **more: Any) -> dict[str, Any]:
    return await asyncio.to_thread(lambda: hands.ask(what, **more))


async def test_processes_come_and_go_as_told(hands: Hands) -> None:
    await ask(hands, "start", tier="edge", name="e1", file="next.yaml")
    await until_running(hands, ["e1"])
    await ask(hands, "settle")
    await ask(hands, "restart", tier="edge", name="e1")
    await until_running(hands, ["e1"])
    await ask(hands, "stop", name="e1")
    assert (await ask(hands, "list"))["running"] == []
    await ask(hands, "stop", name="e1")


async def test_what_cannot_start_stays_ended_with_its_last_words(hands: Hands) -> None:
    await ask(hands, "start", tier="broken", name="e2")

    def has_ended() -> bool:
        return "e2" in hands.ask("list")["ended"]

    await asyncio.to_thread(wait_until, has_ended, "it ended")
    ended = (await ask(hands, "list"))["ended"]["e2"]
    assert ended == "ended with exit code 1:\nport taken"
    await ask(hands, "stop", name="e2")
    assert (await ask(hands, "list")) == {"running": [], "ended": {}}


async def test_what_is_no_order_is_refused_and_the_next_is_taken(hands: Hands) -> None:
    with pytest.raises(FailedError, match="no order 'dance'"):
        await ask(hands, "dance")
    with pytest.raises(FailedError, match="not an order"):
        await ask(hands, "start", name="e1")
    assert (await ask(hands, "list"))["running"] == []


async def until_running(hands: Hands, names: list[str]) -> None:
    await asyncio.to_thread(
        wait_until, lambda: hands.ask("list")["running"] == names, f"{names} run"
    )


def test_where_nothing_runs_there_are_no_hands(tmp_path: Path) -> None:
    assert hands_in(tmp_path) is None
