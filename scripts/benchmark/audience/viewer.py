"""A viewer: what it does in an evening, and what it was told that must be true afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.benchmark.audience.calls import Caller

PASSWORD: Final = "correct horse battery"
PLANS: Final = ("basic", "premium")
_LETTERS: Final = 4
"""Of a search, typed one by one."""


@dataclass(slots=True)
class Account:
    """Somebody who can sign in, and the newest access token with the profile in it."""

    email: str
    profile: str
    token: str


@dataclass(slots=True)
class Memory:
    """What a viewer has been told; a heartbeat is (counter, position in seconds) of a title."""

    sent: set[tuple[str, int, float]] = field(default_factory=set)
    kept: dict[str, tuple[int, float]] = field(default_factory=dict)
    """The newest acknowledged heartbeat of each title."""
    heartbeats: int = 0
    """How many were acknowledged."""
    stopped: list[str] = field(default_factory=list)
    """Streams whose end was acknowledged."""
    plan: str = ""
    """The plan that was acknowledged last; empty without payments, or when nobody can know."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What there is to watch, and at which pace."""

    titles: Sequence[tuple[str, str]]
    """Ids and names."""
    first_bytes: bytes
    think_seconds: float
    """Between two calls, on average."""
    heartbeats: int
    """In one film."""
    heartbeat_seconds: float = 1.0


class Viewer:
    """One viewer; `chance` decides what it picks and how long it thinks."""

    def __init__(
        self, caller: Caller, account: Account, programme: Programme, chance: random.Random
    ) -> None:
        self._caller = caller
        self._programme = programme
        self._chance = chance
        self.account = account
        self.memory = Memory()

    async def watch(self, until: float) -> None:
        """Spend evenings until then, by the loop's clock, and walk away in the middle of one."""
        loop = asyncio.get_running_loop()
        # Not all at once: each begins somewhere within the length of a film.
        evening = self._programme.heartbeats * self._programme.heartbeat_seconds
        await asyncio.sleep(min(self._chance.uniform(0, evening), until - loop.time()))
        while loop.time() < until:
            async for pause_seconds in self.evening():
                if loop.time() + pause_seconds >= until:
                    return
                await asyncio.sleep(pause_seconds)

    async def ask(self, name: str, method: str, path: str, json: Any = None) -> Any:
        """One call in the viewer's name; what it answered, or None when it failed."""
        answer = await self._caller.ask(name, method, path, json, self.account.token)
        return (answer.body or {}) if answer.is_good else None

    async def evening(self) -> AsyncIterator[float]:
        """Yields how long the viewer thinks before it goes on."""
        async for pause_seconds in self._enter():
            yield pause_seconds
        await self.ask("home", "GET", "/v1/home")
        yield self._think()
        title, name = self._chance.choice(self._programme.titles)
        for stop in range(1, _LETTERS + 1):
            await self.ask("search", "GET", f"/v1/suggest?q={name[:stop]}")
            yield self._think() / _LETTERS
        await self.ask("title", "GET", f"/v1/titles/{title}")
        yield self._think()
        async for pause_seconds in self._play(title):
            yield pause_seconds
        await self.ask("continue", "GET", "/v1/continue")
        yield self._think()
        await self.ask("inbox", "GET", "/v1/inbox")
        yield self._think()
        if self.memory.plan:
            await self._change_plan()
            yield self._think()

    async def _enter(self) -> AsyncIterator[float]:
        known = {"email": self.account.email, "password": PASSWORD}
        session = await self.ask("sign in", "POST", "/v1/sessions", known)
        yield self._think()
        if session is None:
            return
        asked = {"refresh_token": session["refresh_token"]}
        session = await self.ask("refresh", "POST", "/v1/sessions/refresh", asked) or session
        self.account.token = session["access_token"]
        chosen = {"profile_id": self.account.profile}
        session = await self.ask("profile", "POST", "/v1/sessions/profile", chosen)
        if session is not None:
            self.account.token = session["access_token"]
        yield self._think()

    async def _play(self, title: str) -> AsyncIterator[float]:
        asked = {"title_id": title, "device": "a screen"}
        playback = await self.ask("play", "POST", "/v1/playback", asked)
        if playback is None:
            return
        await self._caller.read("first bytes", playback["progressive"], self._programme.first_bytes)
        stream, position = playback["session_id"], float(playback["position_seconds"])
        for count in range(1, self._programme.heartbeats + 1):
            yield self._programme.heartbeat_seconds
            position += self._programme.heartbeat_seconds
            await self._beat(title, stream, playback["counter"] + count, position)
        yield self._think()
        if await self.ask("stop", "DELETE", f"/v1/playback/{stream}") is not None:
            self.memory.stopped.append(stream)

    async def _beat(self, title: str, stream: str, counter: int, position: float) -> None:
        told = {"position_seconds": position, "counter": counter}
        self.memory.sent.add((title, counter, position))
        path = f"/v1/playback/{stream}/heartbeat"
        if await self.ask("heartbeat", "POST", path, told) is not None:
            self.memory.kept[title] = (counter, position)
            self.memory.heartbeats += 1

    async def _change_plan(self) -> None:
        wanted = PLANS[1 - PLANS.index(self.memory.plan)]
        answer = await self.ask("change plan", "PATCH", "/v1/subscription", {"plan": wanted})
        self.memory.plan = wanted if answer is not None else ""

    def _think(self) -> float:
        return self._chance.uniform(0.5, 1.5) * self._programme.think_seconds
