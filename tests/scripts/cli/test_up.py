"""`cinedge up` uploads once, refuses a second run on its data, and says why it cannot run.

The whole, with real tiers, is in scenarios/test_two_commands.py.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cdnkit.errors import ConflictError, UnavailableError
from config.load import TopologyError
from scripts.cli import up

FILM = b"the bytes of a film"
DIGEST = hashlib.sha256(FILM).digest()


class ScriptedOrigin:
    """Answers uploads and remembers them."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse = refuse
        self.objects: dict[str, bytes] = {}
        self.titles: dict[str, object] = {}
        self.headers: list[dict[str, str]] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/content/{key:.+}", self.get_object)
        app.router.add_put("/v1/content/{key:.+}", self.put_object)
        app.router.add_get("/v1/titles/{id}", self.get_title)
        app.router.add_put("/v1/titles/{id}", self.put_title)
        return app

    async def get_object(self, request: web.Request) -> web.Response:
        held = self.objects.get(request.match_info["key"])
        if held is None:
            return web.Response(status=404)
        etag = f'"3-{hashlib.sha256(held).hexdigest()[:16]}"'
        return web.Response(body=held, headers={"ETag": etag})

    async def put_object(self, request: web.Request) -> web.Response:
        if self.refuse:
            return web.json_response({"detail": "no volume has room"}, status=507)
        self.headers.append(dict(request.headers))
        self.objects[request.match_info["key"]] = await request.read()
        return web.Response(status=201)

    async def get_title(self, request: web.Request) -> web.Response:
        known = request.match_info["id"] in self.titles
        return web.Response(status=200 if known else 404)

    async def put_title(self, request: web.Request) -> web.Response:
        self.titles[request.match_info["id"]] = await request.json()
        return web.Response(status=201)


async def upload(origin: ScriptedOrigin, film: Path, times: int = 1) -> None:
    async with TestServer(origin.app()) as server, aiohttp.ClientSession() as client:
        for _ in range(times):
            await up.upload_once(client, str(server.make_url("")).rstrip("/"), film)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILM)
    return path


async def test_film_and_title_go_in_once_with_their_digest(film: Path) -> None:
    origin = ScriptedOrigin()
    await upload(origin, film, times=2)
    assert origin.objects == {up.FILM_KEY: FILM}
    assert len(origin.headers) == 1
    assert origin.headers[0]["Content-Type"] == "video/mp4"
    assert origin.headers[0]["Repr-Digest"].startswith("sha-256=:")
    assert origin.titles == {up.TITLE_ID: up.TITLE}


async def test_film_with_other_bytes_replaces_the_one_the_origin_has(film: Path) -> None:
    origin = ScriptedOrigin()
    origin.objects[up.FILM_KEY] = b"another film"
    await upload(origin, film)
    assert origin.objects[up.FILM_KEY] == FILM


async def test_title_that_an_operator_changed_is_left_alone(film: Path) -> None:
    origin = ScriptedOrigin()
    origin.titles[up.TITLE_ID] = {"title": "Renamed"}
    await upload(origin, film)
    assert origin.titles[up.TITLE_ID] == {"title": "Renamed"}


async def test_refused_upload_carries_the_words_of_the_origin(film: Path) -> None:
    with pytest.raises(UnavailableError, match=r"507.*no volume has room"):
        await upload(ScriptedOrigin(refuse=True), film)


@pytest.mark.parametrize("etag", ["", '""', "3-", "-", '"3"', f'"{DIGEST.hex()[:16]}"', '"3-00"'])
def test_etag_of_other_bytes_is_told_apart(etag: str) -> None:
    assert not up.is_etag_of(etag, DIGEST)


def test_second_run_on_the_same_data_is_refused_with_a_way_out(tmp_path: Path) -> None:
    complaint = pytest.raises(ConflictError, match=r"another .* \(process \d+\).*--data DIR")
    with up.only_one(tmp_path / "lock"), complaint, up.only_one(tmp_path / "lock"):
        pytest.fail("two runs on one directory")
    with up.only_one(tmp_path / "lock"):
        pass


def test_broken_topology_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("version: 1\norigns: []\n")
    with pytest.raises(TopologyError, match=r"origns.*origins"):
        up.run(argparse.Namespace(data=tmp_path, service=False))
    assert not (tmp_path / "logs").exists()


async def test_stop_wins_while_work_still_waits() -> None:
    never = asyncio.create_task(asyncio.sleep(3600))
    stopped = asyncio.create_task(asyncio.sleep(0))
    await up.first_of(stopped, never)
    assert never.cancelled()


async def test_failure_ends_the_wait_for_a_stop() -> None:
    async def fail() -> None:
        raise UnavailableError("router ended")

    never = asyncio.create_task(asyncio.sleep(3600))
    done = asyncio.create_task(asyncio.sleep(0))
    with pytest.raises(UnavailableError, match="router ended"):
        await up.first_of(never, done, asyncio.create_task(fail()))
    assert never.cancelled()


def test_data_lies_in_the_current_directory_unless_said_otherwise() -> None:
    parser = argparse.ArgumentParser()
    up.add_parser(parser.add_subparsers())
    assert parser.parse_args(["up"]).data == Path(".cinedge")
    assert parser.parse_args(["up", "--data", "/srv/x"]).data == Path("/srv/x")


def test_film_service_is_there_when_it_is_asked_for_and_keeps_its_own_topology(
    tmp_path: Path,
) -> None:
    parser = argparse.ArgumentParser()
    up.add_parser(parser.add_subparsers())
    assert parser.parse_args(["up"]).service is False
    (tmp_path / "service.yaml").write_text("version: 1\norigns: []\n")
    with pytest.raises(TopologyError, match=r"service\.yaml"):
        up.run(parser.parse_args(["up", "--service", "--data", str(tmp_path)]))
