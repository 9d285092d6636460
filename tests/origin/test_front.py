"""The origin's port: content and everything else on one connection, and a graceful end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from aiohttp import ClientSession

from config.topology import Address, OriginNode, Topology
from origin.app import LIBRARY, build_origin
from origin.front import serve_content

DATA = bytes(range(256)) * 1000


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_uploads_reads_and_everything_else_share_a_port(tmp_path: Path, host: str) -> None:
    node = OriginNode(name="o", listen=Address(host, 1), data=str(tmp_path))
    app = await build_origin(node, Topology(), open_uploads=True)
    async with (
        serve_content(app, app[LIBRARY], host, 0, now=time.time) as listening,
        ClientSession(listening.url) as client,
    ):
        put = await client.put("/v1/content/a", data=DATA)
        assert put.status == 201
        for _ in range(3):
            answer = await client.get("/v1/content/a", headers={"Range": "bytes=5-99999"})
            assert await answer.read() == DATA[5:100_000]
        assert (await client.get("/readyz")).status == 200
        assert (await client.get("/v1/content/b")).status == 404
        whole = await client.get("/v1/content/a")
        assert await whole.read() == DATA


async def test_an_address_that_is_taken_is_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    nodes = [
        OriginNode(name=name, listen=Address("127.0.0.1", 1), data=str(tmp_path / name))
        for name in ("a", "b")
    ]
    first, second = [await build_origin(node, Topology(), open_uploads=True) for node in nodes]
    async with serve_content(first, first[LIBRARY], "127.0.0.1", 0, now=time.time) as listening:
        with pytest.raises(OSError, match="in use"):
            async with serve_content(
                second, second[LIBRARY], "127.0.0.1", listening.port, now=time.time
            ):
                pass
