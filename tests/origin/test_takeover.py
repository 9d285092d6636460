"""Another topology comes into a running origin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aiohttp import ClientSession

from cdnkit.service.run import serve
from config.topology import AccessToken, Address, EdgeNode, OriginNode, RouterNode, Topology
from origin.app import TAKEOVER, build_origin
from origin.store.memory import MemoryStore

OLD, NEW = (AccessToken(name, ("upload",), f"a-token-{name}") for name in ("old", "new"))


def bearer(token: AccessToken) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.secret}"}


async def test_what_can_be_taken_over_is_and_the_rest_stays(tmp_path: Path) -> None:
    node = OriginNode("o", Address("127.0.0.1", 0), str(tmp_path))
    topology = Topology(origins=(node,), access_tokens=(OLD,))
    app = await build_origin(node, topology, open_uploads=False, store=MemoryStore())
    async with serve(app, "127.0.0.1", 0) as listening, ClientSession(listening.url) as client:
        async with client.put("/v1/content/a", data=b"bytes", headers=bearer(OLD)) as answer:
            assert answer.status == 201
        async with client.get("/v1/content/a") as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=3600"
        router = RouterNode("r", Address("127.0.0.1", 8080), "http://router.example")
        edge = EdgeNode("e", "s", Address("127.0.0.1", 9001), (), url="http://edge.example")
        new = replace(node, max_age_seconds=5, router_url=router.url, object_bytes_max=1)
        await app[TAKEOVER].adopt(
            new, replace(topology, routers=(router,), edges=(edge,), access_tokens=(NEW,))
        )
        async with client.get("/v1/content/a") as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=5"
        async with client.put("/v1/content/b", data=b"bytes", headers=bearer(OLD)) as answer:
            assert answer.status == 401
        # The largest object takes a restart, and is still what it was.
        async with client.put("/v1/content/b", data=b"bytes", headers=bearer(NEW)) as answer:
            assert answer.status == 201
        async with client.get("/v1/site") as answer:
            assert (await answer.json())["router_url"] == "http://router.example"
        async with client.get("/") as answer:
            assert "http://edge.example" in answer.headers["Content-Security-Policy"]


async def test_the_first_token_ends_that_everybody_here_may_upload(tmp_path: Path) -> None:
    node = OriginNode("o", Address("127.0.0.1", 0), str(tmp_path))
    app = await build_origin(
        node, Topology(origins=(node,)), open_uploads=True, store=MemoryStore()
    )
    async with serve(app, "127.0.0.1", 0) as listening, ClientSession(listening.url) as client:
        async with client.put("/v1/content/a", data=b"bytes") as answer:
            assert answer.status == 201
        await app[TAKEOVER].adopt(node, Topology(origins=(node,), access_tokens=(NEW,)))
        async with client.put("/v1/content/b", data=b"bytes") as answer:
            assert answer.status == 401
