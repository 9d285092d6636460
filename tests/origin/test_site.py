"""The player page: complete, without requests to others, and narrow in whom it may talk to."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import origin as package
from config.topology import Address, CacheDisk, EdgeNode, Topology
from origin.site import allowed_origins
from tests.origin.conftest import RunningOrigin, StartOrigin

WEB = Path(package.__file__).parent / "web"
EDGE = EdgeNode("e", "fra", Address("127.0.0.1", 9001), (CacheDisk("x"),))


class References(HTMLParser):
    """What a page loads, and how its controls are named."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline = 0
        self.ids: set[str] = set()
        self.labelled_by: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.loaded += [str(found[name]) for name in ("src", "href") if name in found]
        self.inline += "style" in found or (tag in ("script", "style") and "src" not in found)
        self.ids.add(found.get("id") or "")
        self.labelled_by.add(found.get("aria-labelledby") or "")


async def test_page_loads_only_files_that_the_origin_serves(origin: RunningOrigin) -> None:
    async with origin.client.get("/") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
        page = References()
        page.feed(await answer.text())
    assert page.inline == 0
    assert page.labelled_by <= page.ids | {""}
    local = [reference for reference in page.loaded if not reference.startswith("data:")]
    assert sorted(local) == ["/web/player.css", "/web/player.js"]
    for path in [*local, "/web/api.js"]:
        async with origin.client.get(path) as answer:
            assert answer.status == 200
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_scripts_touch_only_what_the_page_has_and_write_no_markup() -> None:
    page = References()
    page.feed((WEB / "index.html").read_text())
    for file in WEB.glob("*.js"):
        source = file.read_text()
        assert set(re.findall(r'byId\("([^"]+)"\)', source)) <= page.ids
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", source)
        assert "fetch(" not in source or file.name == "api.js"


async def test_unchanged_file_is_not_sent_again(origin: RunningOrigin) -> None:
    async with origin.client.get("/web/player.js") as answer:
        etag = answer.headers["ETag"]
    async with origin.client.get("/web/player.js", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize("path", ["/web/nothing.js", "/web/..%2Fapp.py", "/web/index.html.bak"])
async def test_nothing_else_is_served(origin: RunningOrigin, path: str) -> None:
    async with origin.client.get(path) as answer:
        assert answer.status == 404


async def test_page_learns_where_the_router_is(start_origin: StartOrigin) -> None:
    url = "http://127.0.0.1:8080"
    async with start_origin(Topology(edges=(EDGE,)), router_url=url + "/") as origin:
        async with origin.client.get("/v1/site") as answer:
            assert await answer.json() == {"router_url": url}
        async with origin.client.get("/") as answer:
            policy = answer.headers["Content-Security-Policy"]
    assert f"connect-src 'self' http://127.0.0.1:8080 {EDGE_ORIGIN}" in policy
    assert "default-src 'self'" in policy


EDGE_ORIGIN = "http://127.0.0.1:9001"


def test_page_may_talk_to_router_and_edges_of_the_topology_only() -> None:
    assert allowed_origins("", Topology(edges=(EDGE,))) == ()
    assert allowed_origins("https://r.example/x", Topology(edges=(EDGE,))) == (
        EDGE_ORIGIN,
        "https://r.example",
    )
    assert allowed_origins("http://r.example", Topology()) == ("http:", "https:")
