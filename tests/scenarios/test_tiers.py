"""A site of three edges that share, a shield behind them, and an origin, as real processes.

Each edge has two workers, so that a question may pass from worker to worker on its way as well.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from cdnkit.tokens import Claims, sign
from edge.routes import tiers_of
from scripts.demo_topology import HOST, free_ports
from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until

MIB = 1024 * 1024
KEY = "films/a.mp4"
LONG = random.Random(44).randbytes(60 * MIB + 13)
LONG_KEY = "films/b.mp4"
SHORT = LONG[: 15 * MIB + 13]
"""No longer than a fill runs before its readers."""
SECRET = "a-key-of-thirty-two-characters!!"
TOKEN = sign(Claims("k", "/films/", 2**40), {"k": SECRET.encode()})
ORIGIN_SURPLUS_MAX = 1.01


def one_site(document: dict[str, Any]) -> None:
    """All three edges stand in one site, share, and have a shield."""
    document["sites"] = [{**document["sites"][0], "peers": True, "shields": ["shield"]}]
    document["geo"] = {"default_site": "fra"}
    document["routes"] = [{"prefix": "/", "token": True}]
    document["token_keys"] = [{"id": "k", "secret": SECRET}]
    for edge in document["edges"]:
        edge |= {"site": "fra", "workers": 2}
    (port,) = free_ports(1)
    log = document["edges"][0]["settings"]["access_log"].replace("edge-fra", "shield")
    document["edges"].append(
        {
            "name": "shield",
            "site": "fra",
            "role": "shield",
            "listen": f"{HOST}:{port}",
            "disks": [{"path": "cache/shield", "size_bytes": "1GiB"}],
            "settings": {"access_log": log},
        }
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nobody breaks it."""
    with Cluster(tmp_path_factory.mktemp("site"), one_site) as started:
        started.put(KEY, SHORT, "video/mp4")
        started.put(LONG_KEY, LONG, "video/mp4")
        yield started


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Cluster]:
    """One for a test that leaves it broken."""
    with Cluster(tmp_path, one_site) as started:
        started.put(KEY, LONG, "video/mp4")
        yield started


def owner_of(site: Cluster, key: str = KEY) -> str:
    owner = tiers_of(site.topology.edges[0], site.topology).owner_of(f"/{key}".encode())
    assert owner is not None
    return owner


def hops(answer: httpx.Response) -> list[str]:
    """Who has answered, nearest to the origin first."""
    return [member.split(";")[0].strip() for member in answer.headers["cache-status"].split(",")]


def play(site: Cluster, name: str, key: str = KEY) -> httpx.Response:
    return httpx.get(f"{site.edges[name]}/~{TOKEN}/{key}", timeout=60)


@pytest.mark.parametrize(("key", "film"), [(KEY, SHORT), (LONG_KEY, LONG)])
def test_each_block_leaves_the_origin_once_and_every_hop_is_told(
    site: Cluster, key: str, film: bytes
) -> None:
    owner = owner_of(site, key)
    names = [name for name in site.edges if name != "shield"]
    with ThreadPoolExecutor() as pool:
        answers = dict(zip(names, pool.map(lambda name: play(site, name, key), names), strict=True))
    for name, answer in answers.items():
        assert answer.content == film
        passed = [name] if name == owner else [owner, name]
        assert hops(answer) == ["shield", *passed], answer.headers["cache-status"]
    again = play(site, names[0], key)
    assert again.content == film
    assert "hit" in again.headers["cache-status"].split(",")[-1]
    assert hops(again)[-1] == names[0]

    def told() -> int:
        asked = [line for line in site.access_log("origin") if line["method"] == "GET"]
        return sum(int(line["bytes"]) for line in asked if line["path"].endswith(key))

    wait_until(lambda: told() >= len(film), "the origin has written its log")
    left = told()
    print(f"{left} of {len(film)} bytes left the origin")
    assert len(film) <= left <= ORIGIN_SURPLUS_MAX * len(film), left


def test_a_shield_is_for_edges_and_nobody_gets_in_without_a_token(site: Cluster) -> None:
    for name, url in site.edges.items():
        assert httpx.get(f"{url}/{KEY}").status_code == 403, name
        forged = {"Cinedge-Hop": f"edge-fra {name} 4000000000 0 k {'0' * 64}"}
        assert httpx.get(f"{url}/{KEY}", headers=forged).status_code == 421, name
    assert set(site.fleet()) == set(site.edges) - {"shield"}


def test_a_film_plays_on_when_its_owner_and_then_the_shield_are_killed(
    own_site: Cluster,
) -> None:
    site = own_site
    owner = owner_of(site)
    name = next(name for name in site.edges if name not in (owner, "shield"))
    played = bytearray()
    url = f"{site.edges[name]}/~{TOKEN}/{KEY}"
    with httpx.stream("GET", url, timeout=60) as answer:
        assert hops(answer) == ["shield", owner, name]
        for piece in answer.iter_raw(256 * 1024):
            played += piece
            if len(played) > 2 * MIB and site.is_running(owner):
                site.kill(owner)
            if len(played) > 30 * MIB and site.is_running("shield"):
                site.kill("shield")
    assert not site.is_running(owner)
    assert not site.is_running("shield")
    assert played == LONG
    other = next(each for each in site.edges if each not in (owner, "shield", name))
    assert play(site, other).content == LONG
