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


def test_the_page_and_what_it_names_are_in_the_package() -> None:
    bodies = load_page().bodies
    named = re.findall(r'(?:src|href)="([^"#]+)"', bodies["index.html"].decode())
    imported = re.findall(r'from "\./([^"]+)"', bodies["dashboard.js"].decode())
    assert {*named, *imported} - {"data:,"} == set(bodies) - {"index.html"}


@pytest.mark.parametrize("name", ["index.html", "dashboard.js", "api.js", "dashboard.css"])
def test_no_file_asks_another_host_or_carries_inline_code(name: str) -> None:
    text = load_page().bodies[name].decode()
    assert not re.search(r"https?://|//[a-z]+\.", text)
    assert not re.search(r"<script>|<style|style=|\son[a-z]+=|innerHTML|eval\(", text)


def test_only_one_file_fetches() -> None:
    fetching = [name for name, body in load_page().bodies.items() if b"fetch(" in body]
    assert fetching == ["api.js"]


def test_every_control_has_a_label_and_every_state_is_words() -> None:
    bodies = load_page().bodies
    html = bodies["index.html"].decode()
    inputs = set(re.findall(r'<input id="([^"]+)"', html))
    assert inputs == set(re.findall(r'<label for="([^"]+)"', html))
    assert b"`state state-${state}` }, text)" in bodies["dashboard.js"]


async def test_files_are_served_with_type_and_policy() -> None:
    async with page_client(load_page()) as client:
        for path, kind in (
            ("", "text/html"),
            ("api.js", "text/javascript"),
            ("dashboard.css", "text/css"),
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
