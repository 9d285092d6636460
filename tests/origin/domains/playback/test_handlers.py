"""Playbacks over real connections: what is asked in which order, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp import ClientSession, web
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import ForbiddenError
from cdnkit.tokens.claims import check_claims
from cdnkit.tokens.native import open_token
from origin.catalog.database import open_database, parse_database_url
from origin.catalog.tables import activity
from origin.domains.playback.handlers import Playbacks, Sources, Terms
from origin.domains.playback.rules import Entitlement, Grant, Lease
from tests.helpers.clock import FakeClock
from tests.helpers.domain_app import Sessions, running_domain
from tests.origin.domains.films import catalogue

KEYS = {"key-2": b"k" * 32, "key-1": b"old-key-of-some-length"}
KID = {"X-Viewer": "anna/kid"}
TITLES: dict[str, Any] = {
    "alien": {"title": "Alien", "media": "films/alien.mp4", "age": 16, "duration_seconds": 6000},
    "plain": {"title": "Plain", "media": "films/plain.mp4"},
    "later": {"title": "Later"},
}
PACKAGE = {"prefix": "play/alien/1/", "hls": "play/alien/1/main.m3u8", "dash": "play/alien/1/a.mpd",
           "progressive": "play/alien/1/film.mp4"}  # fmt: skip


@dataclass
class World:
    """What the rest of the film service says."""

    entitlement: Entitlement | None = field(default_factory=lambda: Entitlement("gold", 2, 1080))
    grant: Grant | Exception = field(default_factory=Grant)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    recorded: list[tuple[Any, ...]] = field(default_factory=list)
    resume: tuple[float, int] = (0.0, 0)

    def sources(self) -> Sources:
        """As playbacks ask it."""

        async def entitlement(_connection: AsyncConnection, account: str) -> Entitlement | None:
            self.asked.append(("entitlement", account))
            return self.entitlement

        async def grant(
            _connection: AsyncConnection, title: str, territory: str, plan: str
        ) -> Grant:
            self.asked.append(("grant", title, territory, plan))
            if isinstance(self.grant, Exception):
                raise self.grant
            return self.grant

        async def published(title: str) -> Mapping[str, Any] | None:
            return PACKAGE if title == "alien" else None

        async def territory(_request: web.Request) -> str:
            return "DE"

        async def resume(profile: str, title: str) -> tuple[float, int]:
            return self.resume

        async def record(lease: Lease, counter: int, position: float) -> None:
            self.recorded.append((lease, counter, position))

        async def stopped_at(_connection: AsyncConnection, lease: Lease) -> float:
            return 99.5

        return Sources(entitlement, grant, published, territory, resume, record, stopped_at)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
async def client(
    database_url: str, clock: FakeClock, world: World, sessions: Sessions
) -> AsyncIterator[ClientSession]:
    terms = Terms("http://router", KEYS, 10.0, 35.0, 3600.0, binds_address=True)
    numbers = count(1)
    async with catalogue(database_url, clock, **TITLES) as catalog:
        playbacks = Playbacks(
            catalog, world.sources(), terms, make_id=lambda: f"s{next(numbers)}", now=clock
        )
        async with running_domain(playbacks, sessions) as session:
            yield session


async def ask(
    client: ClientSession, method: str, path: str, status: int, body: Any = None, who: Any = KID
) -> Any:
    async with client.request(method, path, headers=who, json=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json(content_type=None) if status != 204 else None


async def begin(client: ClientSession, status: int = 201, title: str = "alien") -> Any:
    body = {"title_id": title, "device": "Television"}
    return await ask(client, "POST", "/v1/playback", status, body)


def code(problem: Any) -> str:
    return str(problem["type"]).rpartition(":")[2]


async def test_playback_is_minted_with_all_that_a_player_needs(
    client: ClientSession, world: World
) -> None:
    world.grant = Grant(1500.0, True, 720, ("DE",), "l1")
    world.resume = (61.5, 7)
    made = await begin(client)
    token = made.pop("token")
    start = f"http://router/~{token}/"
    assert made == {
        "session_id": "s1",
        "manifest_hls": start + "play/alien/1/main.m3u8",
        "manifest_dash": start + "play/alien/1/a.mpd",
        "progressive": start + "play/alien/1/film.mp4",
        "position_seconds": 61.5,
        "counter": 7,
        "height_max": 720,
        "expires_at": 1500.0,
        "ends_at": 1500.0,
        "heartbeat_seconds": 10.0,
    }
    claims = open_token(token, KEYS)
    assert (claims.key_id, claims.session, claims.expires_at) == ("key-2", "s1", 1500)
    assert (claims.countries, claims.client_prefix) == (("DE",), "127.0.0.1/32")
    check_claims(claims, "/play/alien/1/film.mp4", 1499.0, "127.0.0.1", "DE")


async def test_refusals_come_in_one_order(
    client: ClientSession, world: World, sessions: Sessions
) -> None:
    world.entitlement, world.grant = None, ForbiddenError("rights say no")
    sessions.age_max = 12
    assert code(await begin(client, 403)) == "age"
    assert world.asked == []
    sessions.age_max = 99
    assert code(await begin(client, 403)) == "no-plan"
    assert world.asked == [("entitlement", "anna")]
    world.entitlement = Entitlement("gold", 0)
    assert code(await begin(client, 403)) == "forbidden"
    assert world.asked[-1] == ("grant", "alien", "DE", "gold")
    world.grant = Grant()
    assert code(await begin(client, 409)) == "stream-limit"


async def test_what_cannot_be_played_is_said_so(client: ClientSession) -> None:
    assert code(await begin(client, 404, "nothing")) == "not-found"
    assert code(await begin(client, 409, "later")) == "conflict"
    made = await begin(client, 201, "plain")
    assert (made["manifest_hls"], made["manifest_dash"]) == (None, None)
    assert made["progressive"].endswith("/films/plain.mp4")


async def test_devices_share_the_places_of_a_plan(client: ClientSession, clock: FakeClock) -> None:
    first, second = await begin(client), await begin(client)
    refused = await begin(client, 409)
    assert refused["devices"] == [{"device": "Television", "title_id": "alien"}] * 2
    await ask(client, "DELETE", f"/v1/playback/{first['session_id']}", 204)
    await ask(client, "DELETE", f"/v1/playback/{first['session_id']}", 404)
    third = await begin(client)
    clock.advance(30)
    beat = {"position_seconds": 5.0, "counter": 1}
    await ask(client, "POST", f"/v1/playback/{third['session_id']}/heartbeat", 204, beat)
    clock.advance(10)
    streams = await ask(client, "GET", "/v1/playback", 200)
    assert [each["id"] for each in streams["items"]] == [third["session_id"]]
    await begin(client)
    lost = f"/v1/playback/{second['session_id']}/heartbeat"
    await ask(client, "POST", lost, 404, beat)


async def test_devices_that_begin_at_once_never_pass_the_limit(client: ClientSession) -> None:
    async def attempt() -> int:
        body = {"title_id": "alien"}
        async with client.post("/v1/playback", headers=KID, json=body) as answer:
            return answer.status

    said = await asyncio.gather(*(attempt() for _ in range(6)))
    assert sorted(said) == [201, 201, 409, 409, 409, 409]


async def test_heartbeats_are_recorded_with_the_length_of_the_title(
    client: ClientSession, world: World
) -> None:
    made = await begin(client)
    beat = {"position_seconds": 12.5, "counter": 3}
    await ask(client, "POST", f"/v1/playback/{made['session_id']}/heartbeat", 204, beat)
    lease = Lease("s1", "anna", "kid", "alien", "Television", 6000.0, 1000.0, 1000.0, "DE")
    assert world.recorded == [(lease, 3, 12.5)]


async def test_beginning_and_end_of_a_stream_are_in_the_log_once(
    client: ClientSession, world: World, clock: FakeClock, database_url: str
) -> None:
    world.resume = (61.5, 7)
    made = await begin(client)
    await begin(client)
    await begin(client, 409)
    clock.advance(10)
    path = f"/v1/playback/{made['session_id']}"
    await ask(client, "DELETE", path, 204)
    await ask(client, "DELETE", path, 404)
    database = await open_database(parse_database_url(database_url, Path()))
    async with database.reading() as connection:
        rows = (await connection.execute(sa.select(activity).order_by(activity.c.number))).all()
    await database.close()
    assert {(row.account, row.profile, row.title, row.region) for row in rows} == {
        ("anna", "kid", "alien", "DE")
    }
    assert [(row.event, row.kind, row.at, row.position_seconds) for row in rows] == [
        ("kid:s1:play", "play", 1000.0, 61.5),
        ("kid:s2:play", "play", 1000.0, 61.5),
        ("kid:s1:stop", "stop", 1010.0, 99.5),
    ]


async def test_stream_belongs_to_its_account_and_profile(client: ClientSession) -> None:
    path = f"/v1/playback/{(await begin(client))['session_id']}"
    beat = {"position_seconds": 1.0, "counter": 1}
    for who in ({"X-Viewer": "anna/other"}, {"X-Viewer": "ben/kid"}):
        await ask(client, "POST", f"{path}/heartbeat", 404, beat, who)
    await ask(client, "DELETE", path, 404, None, {"X-Viewer": "ben/kid"})
    assert (await ask(client, "GET", "/v1/playback", 200, None, {"X-Viewer": "ben"})) == {
        "items": []
    }
    for method, target, body in (
        ("POST", "/v1/playback", {"title_id": "alien"}),
        ("POST", f"{path}/heartbeat", beat),
    ):
        await ask(client, method, target, 401, body, {})
        await ask(client, method, target, 403, body, {"X-Viewer": "anna"})
