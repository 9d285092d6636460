"""The router sends nobody on whose token has ended or is for other countries, by either door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cdnkit.service.run import serve
from cdnkit.tokens import Claims, TokenError, TokenFault, WrongCountryError, sign
from cdnkit.tokens.keys import read_keys
from cdnkit.tokens.verifier import Verifier
from config.locating import Geo
from config.token_keys import TokenKey
from config.topology import Route
from geo_router.app import build_router
from geo_router.front import serve_redirects
from geo_router.gate import Bound, Gate
from tests.geo_router.geo_files import city, write_database
from tests.geo_router.test_lane import PLAIN, Pair
from tests.geo_router.worlds import READY, edges_of, router_node, topology_of
from tests.helpers.clock import FakeClock

KEY = TokenKey("k1", "sixteen letters or more")
KEYS = {"k1": KEY.secret.encode()}
FILMS = (Route("/films/", ("http://origin.example",), token=True), Route("/"))
FOREVER = 1 << 40
GERMAN = sign(Claims("k1", "/films/", FOREVER, countries=("DE",)), KEYS)
FRENCH = sign(Claims("k1", "/films/", FOREVER, countries=("FR", "GB")), KEYS)
SHORT = sign(Claims("k1", "/films/", 1000), KEYS)
UNKNOWN = sign(Claims("k2", "/films/", 1000, countries=("FR",)), {"k2": bytes(16)})


def gate(routes: Sequence[Route] = FILMS, keys: Sequence[TokenKey] = (KEY,)) -> Gate:
    return Gate(Verifier(read_keys(keys)), routes)


@pytest.mark.parametrize(
    ("target", "bound"),
    [
        (f"/~{GERMAN}/films/a", Bound(FOREVER, ("DE",))),
        (f"/films/a?token={GERMAN}", Bound(FOREVER, ("DE",))),
        (f"/films/a?x=1&URISigningPackage={SHORT}&CAT=x", Bound(1000, ())),
        (f"/~{SHORT}/films/a?token={GERMAN}", Bound(1000, ())),
        (f"/trailers/a?token={GERMAN}", None),
        ("/films/a", None),
        ("/films/a?token=", None),
        (f"/~{UNKNOWN}/films/a", None),
        ("/~nonsense/films/a", None),
    ],
)
def test_tokens_stand_where_edges_look_for_them(target: str, bound: Bound | None) -> None:
    assert gate().bound_of(target) == bound


def test_without_keys_or_routes_that_want_tokens_everybody_passes() -> None:
    for each in (gate(keys=()), gate((Route("/"),))):
        assert each.bound_of(f"/~{SHORT}/films/a") is None
        each.check(f"/~{SHORT}/films/a", "DE", 2000)


@pytest.mark.parametrize(
    ("token", "country", "now", "fault"),
    [
        (GERMAN, "DE", 0, None),
        (GERMAN, "FR", 0, TokenFault.WRONG_COUNTRY),
        (GERMAN, "", 0, None),
        (GERMAN, "FR", FOREVER, TokenFault.EXPIRED),
        (SHORT, "FR", 999.9, None),
        (SHORT, "FR", 1000, TokenFault.EXPIRED),
        (UNKNOWN, "DE", 2000, None),
    ],
)
def test_only_who_is_surely_excluded_is_refused(
    token: str, country: str, now: float, fault: TokenFault | None
) -> None:
    target = f"/~{token}/films/a"
    if fault is None:
        gate().check(target, country, now)
        return
    with pytest.raises(TokenError) as refused:
        gate().check(target, country, now)
    assert refused.value.reason is fault
    is_country = fault is TokenFault.WRONG_COUNTRY
    assert isinstance(refused.value, WrongCountryError) is is_country
    assert refused.value.status == (451 if is_country else 403)
    assert refused.value.headers()["Cache-Control"] == "no-store"


def test_the_longest_prefix_says_whether_a_token_is_wanted() -> None:
    routes = (Route("/", token=True), Route("/open/"), Route("/open/films/", token=True))
    wanted = [gate(routes).needs_token(path) for path in ("/a", "/open/a", "/open/films/a")]
    assert wanted == [True, False, True]
    assert not gate((Route("/films/", token=True),)).needs_token("/a")


@asynccontextmanager
async def doors(database: Path, clock: FakeClock) -> AsyncIterator[Pair]:
    """Two routers alike, one by its lane; all viewers are in Germany, says the database."""
    write_database(database, "GeoLite2-City", {"127.0.0.0/8": city(50.1, 8.7, "DE")})
    edges = edges_of({"fra": 1, "nyc": 1})
    topology = replace(
        topology_of(edges, Geo(default_site="fra", database=str(database))),
        token_keys=(KEY,),
        routes=FILMS,
    )
    routers = [build_router(router_node(), topology, now=clock) for _ in range(2)]
    for router in routers:
        await router.reign.realm.locator.refresh()
        for edge in edges:
            router.fleet.observe(edge.name, READY, 1.0)
    full, second = routers
    async with serve(full.application, "127.0.0.1", 0, grace_seconds=0.2) as listening:
        door = serve_redirects(second.application, second.desk, "127.0.0.1", 0, grace_seconds=0.2)
        async with door as short:
            yield Pair(second, short.port, listening.port)


async def test_both_doors_refuse_alike(tmp_path: Path, clock: FakeClock) -> None:
    ending = sign(Claims("k1", "/films/", int(clock()) + 60), KEYS)
    async with doors(tmp_path / "geo.mmdb", clock) as pair:
        for _ in range(2):
            for token, status in ((GERMAN, 302), (FRENCH, 451), (SHORT, 403), (ending, 302)):
                short, full = await pair.both(PLAIN.format(f"/~{token}/films/a").encode())
                assert short == full
                assert short.split()[1] == str(status).encode()
        short, _ = await pair.both(PLAIN.format(f"/~{FRENCH}/films/a").encode())
        head, _, body = short.partition(b"\r\n\r\n")
        assert b"Access-Control-Allow-Origin: *" in head
        assert json.loads(body)["type"] == "urn:cinedge:problem:wrong-country"
        clock.advance(60)
        short, full = await pair.both(PLAIN.format(f"/~{ending}/films/a").encode())
        assert short == full
        assert short.startswith(b"HTTP/1.1 403 ")
