"""The player page: complete, without requests to others, and narrow in whom it may talk to."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

import origin as package
from config.service import Payments, Plan, Price, Service
from config.topology import Address, CacheDisk, EdgeNode, Topology
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
    local = [ref for ref in page.loaded if not ref.startswith(("data:", "#"))]
    assert sorted(local) == ["/web/site.css", "/web/site.js"]
    waiting, seen = local, set[str]()
    while waiting:
        path = waiting.pop()
        async with origin.client.get(path) as answer:
            assert answer.status == 200, path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            text = await answer.text()
        assert len(text) < 100_000
        seen.add(path)
        imported = re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', text)
        found = {urljoin(path, each) for each in imported}
        waiting += found - seen
    scripts = {f"/web/{file.relative_to(WEB)}" for file in WEB.rglob("*.js")}
    assert seen == {*scripts, "/web/site.css"}, "every script is reached, and none is missing"


def test_scripts_touch_only_what_the_page_has_and_write_no_markup() -> None:
    page = References()
    page.feed((WEB / "index.html").read_text())
    for file in WEB.rglob("*.js"):
        source = file.read_text()
        assert set(re.findall(r'getElementById\("([^"]+)"\)', source)) <= page.ids
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval", source)
        assert " fetch(" not in source or file.name == "api.js"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("file", sorted(WEB.rglob("*.js")), ids=lambda file: file.name)
def test_script_can_be_parsed(file: Path) -> None:
    command = ["node", "--check", "--input-type=module"]
    call = subprocess.run(command, input=file.read_bytes(), capture_output=True, check=False)
    assert call.returncode == 0, call.stderr.decode()


async def test_unchanged_file_is_not_sent_again(origin: RunningOrigin) -> None:
    async with origin.client.get("/web/site.js") as answer:
        etag = answer.headers["ETag"]
    async with origin.client.get("/web/site.js", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304


@pytest.mark.parametrize("path", ["/web/nothing.js", "/web/..%2Fapp.py", "/web/index.html.bak"])
async def test_nothing_else_is_served(origin: RunningOrigin, path: str) -> None:
    async with origin.client.get(path) as answer:
        assert answer.status == 404


async def test_page_learns_where_the_router_is(start_origin: StartOrigin) -> None:
    url = "http://127.0.0.1:8080"
    async with start_origin(Topology(edges=(EDGE,)), router_url=url + "/") as origin:
        async with origin.client.get("/v1/site") as answer:
            said = await answer.json()
            assert said == {"router_url": url, "service": False, "plans": False, "hls_player": ""}
        async with origin.client.get("/") as answer:
            policy = answer.headers["Content-Security-Policy"]
    assert f"connect-src 'self' http://127.0.0.1:8080 {EDGE_ORIGIN}" in policy
    assert "default-src 'self'" in policy


EDGE_ORIGIN = "http://127.0.0.1:9001"
PAYMENTS = Payments(plans=(Plan("basic", "Basic", (Price("eur", 999, "basic-eur"),)),), secret="sk")


async def test_page_loads_nothing_from_elsewhere_where_nothing_is_sold(
    start_origin: StartOrigin,
) -> None:
    async with start_origin(Topology(service=Service())) as origin, origin.client.get("/") as page:
        policy = page.headers["Content-Security-Policy"]
    assert "script-src" not in policy, "so that default-src counts, which is this origin"
    assert "frame-src" not in policy
    assert "stripe" not in policy


async def test_page_that_sells_may_load_what_takes_cards_and_is_as_strict_in_all_else(
    start_origin: StartOrigin,
) -> None:
    plain, selling = Topology(), Topology(service=Service(payments=PAYMENTS))
    found = []
    for topology in (plain, selling):
        async with start_origin(topology) as origin, origin.client.get("/") as page:
            found.append(set(page.headers["Content-Security-Policy"].split("; ")))
    assert found[1] - found[0] == {
        "script-src 'self' https://js.stripe.com/v3/",
        "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
        "connect-src 'self' https://api.stripe.com",
    }
    assert found[0] - found[1] == {"connect-src 'self'"}


async def test_player_library_is_served_where_it_is_installed(
    start_origin: StartOrigin, tmp_path: Path
) -> None:
    library = tmp_path / "hls.mjs"
    library.write_text("export default class {}")
    async with start_origin(Topology(service=Service()), hls_js=str(library)) as origin:
        async with origin.client.get("/v1/site") as answer:
            said = await answer.json()
        assert said["service"] is True
        assert said["hls_player"] == "/web/hls.mjs"
        async with origin.client.get(said["hls_player"]) as answer:
            assert answer.content_type == "text/javascript"
            assert await answer.text() == library.read_text()


async def test_player_library_that_is_not_there_is_done_without(
    start_origin: StartOrigin, tmp_path: Path
) -> None:
    missing = str(tmp_path / "nothing.mjs")
    async with (
        start_origin(hls_js=missing) as origin,
        origin.client.get("/v1/site") as answer,
    ):
        assert (await answer.json())["hls_player"] == ""
