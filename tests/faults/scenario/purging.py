"""Operators who purge: after an edge's receipt nothing older leaves it, and no order gets lost.

What is purged is a film of an origin that is not ours, which edges learn of by nothing else, or one
of ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from tests.faults.scenario.asking import Asker
from tests.faults.scenario.ledger import Film
from tests.faults.scenario.plan import EDGES, ORIGIN
from tests.faults.scenario.stage import Stage
from tests.faults.scenario.troubles import uploads_at
from tests.helpers.versioned_origin import VersionedOrigin

EXTERNAL_PATH: Final = "/ext/film.bin"
_PAUSE_SECONDS: Final = (0.3, 0.8)
_POLL_SECONDS: Final = 0.05
_LOOKS: Final = 40


@dataclass(slots=True)
class Order:
    """A purge that was taken: what it is of, and which edges have done it."""

    url: str
    film: Film
    number: int
    done: set[str] = field(default_factory=set)


class ExternalFilm:
    """The film of the other origin, and its page in the book."""

    def __init__(self, stage: Stage, origin: VersionedOrigin) -> None:
        self.film = stage.ledger.add(Film(EXTERNAL_PATH, is_followed=False))
        self._stage = stage
        self._origin = origin
        self.replace(first=True)

    def replace(self, *, first: bool = False) -> None:
        """There is a new version, at once."""
        number = self._origin.version + (not first)
        content = bytes([number]) * self._origin.size_bytes
        version = self.film.begin(content, self._stage.now(), f"v{number}")
        self._origin.version = number
        version.known_at = self._stage.now()


class Purger:
    """Gives orders one after the other and looks how each edge gets on."""

    def __init__(self, stage: Stage, number: int, external: ExternalFilm) -> None:
        self.name = f"purger {number}"
        self.orders: list[Order] = []
        self._stage = stage
        self._chance = stage.chance(self.name)
        self._external = external
        self._asker: Asker

    async def run(self) -> None:
        """Purge until it is over."""
        async with self._stage.world.asker() as self._asker:
            while not self._stage.over.is_set():
                await self._stage.pause(self._chance.uniform(*_PAUSE_SECONDS))
                order = await self._give()
                for _ in range(_LOOKS if order is not None else 0):
                    assert order is not None
                    if self._stage.over.is_set() or await self._look(order):
                        break
                    await self._stage.pause(_POLL_SECONDS)

    async def find_unfinished(self) -> list[str]:
        """Orders that are not done everywhere, and why; what is done meanwhile is noted."""
        async with self._stage.world.asker() as self._asker:
            unfinished = [each for each in self.orders if not await self._look(each)]
        deaf = {edge for edge in EDGES if self._stage.troubles.is_deaf(edge, self._stage.now())}
        return [
            f"purge of {each.film.path} is done by {sorted(each.done)} only"
            for each in unfinished
            if not each.done | deaf >= set(EDGES)
        ]

    async def _give(self) -> Order | None:
        film = self._external.film
        own = [each for each in self._stage.ledger.films.values() if each.is_followed]
        if not own or self._chance.random() < 0.7:
            self._external.replace()
        else:
            film = self._chance.choice(own)
        known = film.latest_known()
        assert known is not None
        asked_at = self._stage.now()
        named = film.path if film is self._external.film else film.path[1:]
        heard = await self._asker.ask(
            f"{self._stage.world.url(ORIGIN)}/v1/purge",
            "Content-Type: application/json",
            method="POST",
            content=json.dumps({"object": named}).encode(),
        )
        if heard.status != 202:
            what = self._stage.judge.of_failure(
                uploads_at(ORIGIN), asked_at, self._stage.now(), heard.said
            )
            if what:
                self._stage.complain(self.name, f"a purge {what}")
            return None
        self._stage.counts["purges"] += 1
        order = Order(heard.fields["location"], film, known.number)
        self.orders.append(order)
        return order

    async def _look(self, order: Order) -> bool:
        """Whether all edges have done it; those that have go back no more."""
        heard = await self._asker.ask(f"{self._stage.world.url(ORIGIN)}{order.url}")
        if heard.status == 404:
            self._stage.complain(self.name, f"the purge of {order.film.path} was taken and is gone")
        if heard.status != 200:
            return False
        states = {edge["name"]: edge["state"] for edge in json.loads(heard.body)["edges"]}
        now = self._stage.now()
        for edge, state in states.items():
            if state == "done" and edge not in order.done:
                order.done.add(edge)
                self._stage.ledger.raise_floor(edge, order.film.path, now, order.number)
            elif state != "done" and edge in order.done:
                self._stage.complain(self.name, f"{edge} had done a purge and is now {state}")
        return order.done >= set(EDGES)
