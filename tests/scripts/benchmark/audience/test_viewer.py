"""A viewer remembers what it was told, and only that."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from scripts.benchmark.audience.calls import Answer, Caller
from scripts.benchmark.audience.viewer import Account, Memory, Programme, Viewer

PROGRAMME = Programme((("film", "Film"),), b"", 0.001, 3, 0.001)


class Answering(Caller):
    """An origin that refuses what it is told to refuse, and shuts after the first evening."""

    def __init__(self, refused: frozenset[str] = frozenset()) -> None:
        self.refused = refused
        self.asked: list[str] = []
        self.beaten: list[Any] = []

    async def ask(
        self, name: str, method: str, path: str, json: Any = None, token: str = ""
    ) -> Answer:
        self.asked.append(name)
        if name == "heartbeat":
            self.beaten.append(json)
        playback = {"session_id": "s", "progressive": "", "position_seconds": 60.0, "counter": 7}
        session = {"refresh_token": "r", "access_token": "a"}
        body = playback if name == "play" else session
        return Answer(503 if name in self.refused else 200, body)

    async def read(self, name: str, url: str, expected: bytes) -> None:
        self.asked.append(name)


async def evening(caller: Answering, plan: str = "") -> Memory:
    viewer = Viewer(caller, Account("a@films.example", "p", ""), PROGRAMME, random.Random(1))
    viewer.memory.plan = plan
    async for _ in viewer.evening():
        pass
    return viewer.memory


async def test_evening_goes_from_signing_in_to_another_plan() -> None:
    caller = Answering()
    memory = await evening(caller, plan="basic")
    assert list(dict.fromkeys(caller.asked)) == [
        "sign in", "refresh", "profile", "home", "search", "title", "play", "first bytes",
        "heartbeat", "stop", "continue", "inbox", "change plan",
    ]  # fmt: skip
    counter, position = memory.kept["film"]
    assert counter == 10
    assert position == pytest.approx(60.003)
    assert memory.heartbeats == 3
    assert memory.stopped == ["s"]
    assert memory.plan == "premium"
    assert [each["counter"] for each in caller.beaten] == [8, 9, 10]


async def test_what_was_refused_is_not_remembered_as_kept() -> None:
    caller = Answering(frozenset({"heartbeat", "stop", "change plan"}))
    memory = await evening(caller, plan="basic")
    assert len(memory.sent) == 3
    assert (memory.kept, memory.heartbeats, memory.stopped, memory.plan) == ({}, 0, [], "")


async def test_without_payments_no_plan_is_changed() -> None:
    caller = Answering()
    await evening(caller)
    assert "change plan" not in caller.asked


async def test_viewer_is_gone_when_the_time_is_up() -> None:
    caller = Answering()
    viewer = Viewer(caller, Account("a@films.example", "p", ""), PROGRAMME, random.Random(1))
    loop = asyncio.get_running_loop()
    await viewer.watch(loop.time() + 0.05)
    asked = len(caller.asked)
    await asyncio.sleep(0)
    assert len(caller.asked) == asked
