"""Players: they read films in parts, one after the other or by seeks, and come back when cut."""

from __future__ import annotations

from random import Random
from typing import Final
from urllib.parse import urlsplit

from tests.faults.scenario.asking import Asker, Heard
from tests.faults.scenario.judging import Read
from tests.faults.scenario.layout import ADDRESSES, BLOCK_BYTES, DNS, REGIONS, ZONE
from tests.faults.scenario.ledger import Film
from tests.faults.scenario.plan import EDGES, ORIGIN, ORIGINS, OTHER_ORIGIN, ROUTER, Scenario
from tests.faults.scenario.resolving import resolve
from tests.faults.scenario.stage import Stage
from tests.faults.scenario.tokens import token_for

_PAUSE_SECONDS: Final = 0.04
_AFTER_FAILURE_SECONDS: Final = 0.1
_PARTS_MAX: Final = 6


class Player:
    """One viewer. `server`: who is asked; `router` is asked whom to ask."""

    def __init__(self, stage: Stage, number: int) -> None:
        self.name = f"player {number}"
        self._stage = stage
        self._chance = stage.chance(self.name)
        self._server = _server_of(number, stage.scenario)
        self._home = EDGES[number % len(EDGES)]
        self._asker: Asker

    async def run(self) -> None:
        """Play until it is over."""
        async with self._stage.world.asker(REGIONS[self._home]) as self._asker:
            while not self._stage.over.is_set():
                await self._watch()

    async def _watch(self) -> None:
        """A film for a while: whole, or some parts in a row."""
        film = self._chance.choice(self._films())
        path, size = film.path, max(each.size_bytes for each in film.versions)
        position = self._chance.choice((0, self._chance.randrange(size)))
        etag = ""
        for _ in range(self._chance.randint(1, _PARTS_MAX)):
            start, stop = _part(self._chance, position)
            read = await self._read(path, start, stop, etag)
            if read is None or self._stage.over.is_set():
                await self._stage.pause(_AFTER_FAILURE_SECONDS)
                return
            self._stage.check(self.name, read)
            if read.status not in (200, 206):
                await self._stage.pause(_AFTER_FAILURE_SECONDS)
                return
            etag = read.etag if self._chance.random() < 0.7 else ""
            position = (start or 0) + len(read.body)
            if position >= size:
                return
            await self._stage.pause(self._chance.uniform(0, _PAUSE_SECONDS))

    def _films(self) -> list[Film]:
        """What the server asked has."""
        films = self._stage.ledger.films.values()
        return [each for each in films if each.is_followed or self._server not in ORIGINS]

    async def _read(self, path: str, start: int | None, stop: int | None, etag: str) -> Read | None:
        """One request; None when no server could be named."""
        asked_at = self._stage.now()
        server = self._server
        if server in (ROUTER, DNS):
            naming = self._named_server(path) if server == ROUTER else self._resolved_server()
            server = await naming
            if not server:
                return None
            asked_at = self._stage.now()
        heard = await self._asker.ask(self._url(server, path), *_fields(start, stop, etag))
        return Read(
            server=server,
            path=path,
            asked_at=asked_at,
            answered_at=self._stage.now(),
            status=heard.status,
            start=start,
            stop=stop,
            if_range=etag if start is not None else "",
            fields=heard.fields,
            body=heard.body,
            said=heard.said,
        )

    async def _named_server(self, path: str) -> str:
        """Whom the router names; empty when it does not."""
        asked_at = self._stage.now()
        heard = await self._asker.ask(self._url(ROUTER, path))
        self._stage.counts["redirects"] += 1
        edge = self._edge_of(heard)
        if edge:
            what = self._stage.judge.of_naming(edge, asked_at, self._stage.now())
        elif heard.status in (0, 503):
            what = self._stage.judge.of_failure(ROUTER, asked_at, self._stage.now(), heard.said)
        else:
            what = f"{heard.status} {heard.fields.get('location', '')} names no edge"
        if what:
            self._stage.complain(self.name, f"{ROUTER}: {what}")
        return edge

    async def _resolved_server(self) -> str:
        """Whom DNS names first; empty when it names nobody. All it names have to be alive."""
        stage, asked_at = self._stage, self._stage.now()
        addresses, said = await resolve(
            f"play.{ZONE}", stage.world.ports.servers[DNS], REGIONS[self._home]
        )
        stage.counts["resolved"] += 1
        edges = [edge for edge, address in ADDRESSES.items() if address in addresses]
        edges.sort(key=lambda edge: addresses.index(ADDRESSES[edge]))
        judged = [stage.judge.of_naming(edge, asked_at, stage.now()) for edge in edges]
        what = "; ".join(filter(None, judged))
        if not edges:
            what = stage.judge.of_failure(ROUTER, asked_at, stage.now(), said)
        if what:
            stage.complain(self.name, f"{DNS}: {what}")
        return edges[0] if edges else ""

    def _edge_of(self, heard: Heard) -> str:
        if heard.status != 302:
            return ""
        parts = urlsplit(heard.fields["location"])
        base = f"{parts.scheme}://{parts.netloc}"
        return next((edge for edge in EDGES if self._stage.world.url(edge) == base), "")

    def _url(self, server: str, path: str) -> str:
        world = self._stage.world
        if server in ORIGINS:
            return f"{world.url(server)}/v1/content{path}"
        token = token_for(world, self._stage.ledger.films[path], server)
        return f"{world.url(server)}{token}{path}"


def _server_of(number: int, scenario: Scenario) -> str:
    """Every second by way of the router, one in eight at the origin, the others at edges.

    With DNS every second of the first asks that; of two origins the other is asked as often.
    """
    shape, cast = scenario.shape, scenario.cast
    if number % 2 == 0:
        return DNS if shape.dns and number % 4 == 0 else ROUTER
    if number % 8 == 7 and cast.uploaders:
        return ORIGIN
    if number % 8 == 3 and cast.uploaders and shape.origins == 2:
        return OTHER_ORIGIN
    return EDGES[number // 2 % len(EDGES)]


def _part(chance: Random, position: int) -> tuple[int | None, int | None]:
    """Where to read, as players do: a few blocks, across the edges of blocks, to the end, all."""
    kind = chance.random()
    if position == 0 and kind < 0.1:
        return None, None
    if kind < 0.2:
        return position, None
    return position, position + chance.randint(1, 4 * BLOCK_BYTES)


def _fields(start: int | None, stop: int | None, etag: str) -> list[str]:
    if start is None:
        return []
    last = "" if stop is None else str(stop - 1)
    fields = [f"Range: bytes={start}-{last}"]
    return [*fields, f"If-Range: {etag}"] if etag else fields
