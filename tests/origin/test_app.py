"""The composition: what is opened, refused at start, watched and closed."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from aiohttp import ClientSession

from cdnkit.errors import ForbiddenError, UnavailableError
from cdnkit.service.openapi import undeclared
from cdnkit.service.run import serve
from config.topology import Address, OriginNode, Topology, Volume
from origin.app import build_origin, volumes_of
from origin.store.memory import MemoryStore
from tests.origin.conftest import StartOrigin


def node(folder: Path, **changes: object) -> OriginNode:
    base = OriginNode(name="origin-1", listen=Address("127.0.0.1", 0), data=str(folder / "data"))
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


async def test_open_uploads_are_refused_beyond_loopback(tmp_path: Path) -> None:
    public = node(tmp_path, listen=Address("0.0.0.0", 0))
    with pytest.raises(ForbiddenError, match="loopback"):
        await build_origin(public, Topology(), open_uploads=True)
    assert not (tmp_path / "data").exists(), "refused before anything is made"


async def test_without_volumes_there_is_one_under_data(tmp_path: Path) -> None:
    (volume,) = volumes_of(node(tmp_path))
    assert volume.path == str(tmp_path / "data" / "volume")
    given = (Volume(name="d1", path="/srv/d1"),)
    assert volumes_of(node(tmp_path, volumes=given)) == given


async def test_database_that_cannot_be_opened_closes_the_store_again(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "catalog.sqlite").write_bytes(b"rubbish" * 1000)
    closed: list[str] = []

    class Watched(MemoryStore):
        async def close(self) -> None:
            closed.append("store")

    with pytest.raises(UnavailableError):
        await build_origin(node(tmp_path), Topology(), open_uploads=True, store=Watched())
    assert closed == ["store"]


async def test_any_store_serves(tmp_path: Path) -> None:
    app = await build_origin(node(tmp_path), Topology(), open_uploads=True, store=MemoryStore())
    async with serve(app, "127.0.0.1", 0) as listening, ClientSession(listening.url) as client:
        async with client.put("/v1/content/a", data=b"bytes") as answer:
            assert answer.status == 201
        async with client.get("/v1/content/a") as answer:
            assert await answer.read() == b"bytes"


async def test_readiness_names_database_and_volumes(start_origin: StartOrigin) -> None:
    async with start_origin() as origin, origin.client.get("/readyz") as answer:
        assert answer.status == 200
        assert (await answer.json())["checks"] == {"database": "ok", "volumes": "ok"}


async def test_origin_is_unready_when_no_volume_works(
    start_origin: StartOrigin, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a directory")
    volumes = (Volume(name="bad", path=str(tmp_path / "file")),)
    async with start_origin(volumes=volumes) as origin:
        async with origin.client.get("/readyz") as answer:
            assert answer.status == 503
            assert (await answer.json())["checks"]["volumes"] != "ok"
        async with origin.client.put("/v1/content/a", data=b"x") as answer:
            assert answer.status == 503


async def test_every_route_is_declared_and_asks_for_the_scope_it_declares(
    start_origin: StartOrigin,
) -> None:
    async with start_origin(open_uploads=False) as origin:
        async with origin.client.get("/openapi.json") as answer:
            api = await answer.json()
        for path, item in api["paths"].items():
            address = re.sub(r"\{\w+\}", "scrub", path)
            # A POST to an upload stands for another method, or is refused whoever asks.
            fields = {"X-HTTP-Method-Override": "PATCH"} if "/uploads/" in path else {}
            for method, said in item.items():
                async with origin.client.request(method, address, headers=fields) as answer:
                    assert (answer.status == 401) == ("security" in said), (method, path)


async def test_document_misses_no_route(tmp_path: Path) -> None:
    app = await build_origin(node(tmp_path), Topology(), open_uploads=True)
    assert undeclared(app) == []
    app.freeze()
    await app.startup()
    await app.cleanup()
