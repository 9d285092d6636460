"""The operator's page is complete, self-contained, and served under a strict policy."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from cdnkit.errors import NotFoundError
from geo_router.operate import OperatorPage, load_page


def page_client(page: OperatorPage) -> TestClient[web.Request, web.Application]:
    app = web.Application()
    app.add_routes(page.routes())
    return TestClient(TestServer(app))


def modules() -> dict[str, str]:
    return {n: b.decode() for n, b in load_page().bodies.items() if n.endswith(".js")}


def test_the_page_and_what_it_names_are_in_the_package() -> None:
    bodies = load_page().bodies
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', bodies["index.html"].decode()))
    for text in modules().values():
        named.update(re.findall(r'from "\./([^"]+)"', text))
    assert named - {"data:,"} == set(bodies) - {"index.html"}


@pytest.mark.parametrize("name", sorted(load_page().bodies))
def test_no_file_asks_another_host_or_carries_inline_code(name: str) -> None:
    text = load_page().bodies[name].decode().replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//[a-z]+\.", text)
    assert not re.search(r"<script>|<style|style=|\son[a-z]+=|innerHTML|outerHTML|eval\(", text)
    assert "insertAdjacentHTML" not in text


def test_only_one_file_fetches() -> None:
    asks = re.compile(r"\bfetch\(|EventSource\(|XMLHttpRequest|WebSocket")
    assert [name for name, text in modules().items() if asks.search(text)] == ["api.js"]


def test_every_view_is_a_module_with_the_same_shape() -> None:
    names = re.findall(r'from "\./([^"]+)"', modules()["views.js"])
    assert names
    for name in names:
        assert re.search(r'  id: "[a-z]+",\n  title: "[A-Z][a-z ]+",\n', modules()[name]), name
        assert re.search(r"^  mount[(:]", modules()[name], re.MULTILINE), name


async def test_files_are_served_with_type_and_policy() -> None:
    async with page_client(load_page()) as client:
        for path, kind in (
            ("", "text/html"),
            ("api.js", "text/javascript"),
            ("operator.css", "text/css"),
        ):
            async with client.get("/operate/" + path) as answer:
                assert answer.status == 200
                assert answer.content_type == kind
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
                assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/operate"])
async def test_the_ways_to_the_page_lead_there(path: str) -> None:
    async with page_client(load_page()) as client:
        answer = await client.get(path, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (302, "/operate/")


async def test_a_file_that_is_not_part_of_the_page_is_not_found() -> None:
    request = SimpleNamespace(match_info={"name": "../app.py"})
    with pytest.raises(NotFoundError):
        await load_page().get_file(request)
