"""Viewers who say where they are: no heartbeat that was answered is lost or moved back.

Each has an account and a profile of its own, made on the origin's database as an operator makes
one, and one film that it watches from the beginning.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from typing import Any, Final

from config.load import load_topology
from scripts.cli import account
from tests.faults.scenario.asking import Asker, Heard
from tests.faults.scenario.plan import ORIGIN
from tests.faults.scenario.stage import Stage
from tests.faults.scenario.troubles import uploads_at

_PASSWORD: Final = "correct horse battery"
_PAUSE_SECONDS: Final = (0.05, 0.2)
_LOOK_SHARE: Final = 0.2
_STEP_SECONDS: Final = 7.0
_LENGTH_SECONDS: Final = 100_000.0


class Viewer:
    """One profile that watches one title. Positions grow with the counter, each said once."""

    def __init__(self, stage: Stage, number: int) -> None:
        self.name = f"viewer {number}"
        self._stage = stage
        self._chance = stage.chance(self.name)
        self._email = f"viewer-{number}@films.example"
        self._title = f"title-{number}"
        self._said = 0
        self._answered = 0
        self._access = ""
        self._stream = ""
        self._asker: Asker

    async def join(self, media: str) -> None:
        """Have an account, a profile and a stream of a title; nothing is broken yet."""
        await self._make_account()
        async with self._stage.world.asker() as self._asker:
            title = {"title": self._title, "media": media, "duration_seconds": _LENGTH_SECONDS}
            await self._must("PUT", f"/v1/titles/{self._title}", title)
            signed = await self._must(
                "POST", "/v1/sessions", {"email": self._email, "password": _PASSWORD}
            )
            self._access = signed["access_token"]
            profile = await self._must("POST", "/v1/profiles", {"name": "me", "age_max": 99})
            chosen = await self._must("POST", "/v1/sessions/profile", {"profile_id": profile["id"]})
            self._access = chosen["access_token"]
            begun = await self._must("POST", "/v1/playback", {"title_id": self._title})
            self._stream = begun["session_id"]

    async def run(self) -> None:
        """Watch until it is over."""
        async with self._stage.world.asker() as self._asker:
            while not self._stage.over.is_set():
                await self._beat()
                if self._chance.random() < _LOOK_SHARE:
                    await self.look()
                await self._stage.pause(self._chance.uniform(*_PAUSE_SECONDS))

    async def find_lost(self) -> list[str]:
        """Why it cannot be told whether everything is there; what is lost is a complaint."""
        async with self._stage.world.asker() as self._asker:
            return [] if await self.look() else [f"{self.name} does not see its history"]

    async def look(self) -> bool:
        """See where the film would go on: no earlier than was answered. Whether it was told."""
        asked_at, answered = self._stage.now(), self._answered
        heard = await self._ask("GET", "/v1/history")
        if heard.status != 200:
            self._judge_failure(asked_at, heard)
            return False
        items = {each["id"]: each for each in json.loads(heard.body)["items"]}
        position = items[self._title]["position_seconds"] if self._title in items else 0.0
        if not answered * _STEP_SECONDS <= position <= self._said * _STEP_SECONDS:
            wanted = f"{answered * _STEP_SECONDS:g} to {self._said * _STEP_SECONDS:g}"
            self._stage.complain(self.name, f"goes on at {position:g} s and not at {wanted}")
        return True

    async def _beat(self) -> None:
        self._said += 1
        counter, asked_at = self._said, self._stage.now()
        body = {"position_seconds": counter * _STEP_SECONDS, "counter": counter}
        heard = await self._ask("POST", f"/v1/playback/{self._stream}/heartbeat", body)
        if heard.status == 204:
            self._answered = counter
            self._stage.counts["heartbeats"] += 1
        elif heard.status == 404:
            self._stage.complain(self.name, f"its stream is gone: {heard.said}")
        else:
            self._judge_failure(asked_at, heard)

    def _judge_failure(self, asked_at: float, heard: Heard) -> None:
        # By a clock that has jumped ahead what it signed in with has ended.
        moved, during = frozenset({f"{ORIGIN}#clock"}), (asked_at, self._stage.now(), 0.0)
        if heard.status == 401 and self._stage.troubles.excuse(moved, *during):
            return
        if heard.status not in (0, 500, 502, 503, 504):
            self._stage.complain(self.name, f"was refused: {heard.said}")
            return
        what = self._stage.judge.of_failure(
            uploads_at(ORIGIN), asked_at, self._stage.now(), heard.said
        )
        if what:
            self._stage.complain(self.name, what)

    async def _make_account(self) -> None:
        topology = load_topology(self._stage.world.topology(ORIGIN), os.environ)
        assert topology.service is not None, "viewers need the film service"
        asked = argparse.Namespace(email=self._email, role="viewer", link=False)
        made = account.add(asked, topology.origins[0], topology.service, lambda _: _PASSWORD)
        # What it imports takes seconds, and there are proxies in this thread.
        await asyncio.to_thread(asyncio.run, made)

    async def _must(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        heard = await self._ask(method, path, body)
        assert heard.status in (200, 201), heard.said
        answered: dict[str, Any] = json.loads(heard.body)
        return answered

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Heard:
        fields = ["Content-Type: application/json"] if body is not None else []
        if self._access:
            fields.append(f"Authorization: Bearer {self._access}")
        url = self._stage.world.url(ORIGIN) + path
        content = b"" if body is None else json.dumps(body).encode()
        return await self._asker.ask(url, *fields, method=method, content=content)
