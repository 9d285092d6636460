"""Origin and router answer generated requests as their own documents say, and never with 5xx.

The short form asks the same every time. The long form begins elsewhere each time and also follows
what one answer says into the next request:
CINEDGE_TEST_API_EXAMPLES=500 scripts/test tests/scenarios/test_api.py; CINEDGE_TEST_API_SEED takes
the seed that a failure names.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import Page, sync_playwright

from tests.helpers.api_hooks import KNOWN
from tests.helpers.cluster import ROOT, Cluster

EXAMPLES = int(os.environ.get("CINEDGE_TEST_API_EXAMPLES", "8"))
LONG = EXAMPLES > 8
SEED = os.environ.get("CINEDGE_TEST_API_SEED", str(secrets.randbelow(1 << 32)) if LONG else "1")
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance"),
)
PHASES = "coverage,fuzzing,stateful" if LONG else "coverage,fuzzing"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One of its own, for all that is generated stays in it."""
    with Cluster(tmp_path_factory.mktemp("generated")) as started:
        yield started


@pytest.fixture(scope="module")
def known(cluster: Cluster) -> Cluster:
    """Things that generated requests are led to."""
    cluster.put(KNOWN["key"], bytes(5000), "video/mp4")
    title = {"title": "Known", "media": KNOWN["key"]}
    httpx.put(f"{cluster.origin}/v1/titles/{KNOWN['id']}", json=title).raise_for_status()
    return cluster


@pytest.mark.slow
@pytest.mark.timeout(300 if not LONG else 7200)
@pytest.mark.parametrize("tier", ["origin", "router"])
def test_no_answer_is_undocumented_and_none_is_5xx(known: Cluster, tier: str) -> None:
    pytest.importorskip("schemathesis")
    url = f"{known.origin if tier == 'origin' else known.router}/openapi.json"
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", url, "--no-color"]
    options = ["--checks", ",".join(CHECKS), "--phases", PHASES, "--max-examples", str(EXAMPLES)]
    # A stream has no end to wait for.
    options += ["--exclude-path-regex", "^/v1/overview/events$"]
    more = ["--warnings", "off", "--generation-database", "none", "--request-timeout", "60"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.helpers.api_hooks"}
    print(f"CINEDGE_TEST_API_SEED={SEED}")
    call = subprocess.run(
        [*command, *options, *more, "--seed", SEED],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert call.returncode == 0, call.stdout[-6000:] + call.stderr[-2000:]
    assert " passed" in call.stdout


@pytest.mark.parametrize("tier", ["origin", "router"])
def test_schemas_of_the_document_are_schemas(cluster: Cluster, tier: str) -> None:
    url = cluster.origin if tier == "origin" else cluster.router
    api = httpx.get(f"{url}/openapi.json").raise_for_status().json()
    assert api["openapi"] == "3.1.0"
    for schema in api["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.fixture
def page() -> Iterator[Page]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_page_shows_the_document_and_asks_what_it_describes(cluster: Cluster, page: Page) -> None:
    httpx.put(f"{cluster.origin}/v1/titles/shown", json={"title": "Shown"}).raise_for_status()
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(f"{cluster.origin}/docs")
    page.get_by_label("Find").fill("one title get")
    operation = page.locator("#get-v1-titles-id")
    operation.locator("summary").first.click()
    operation.locator("input[name=id]").fill("shown")
    operation.get_by_role("button", name="Send").click()
    answer = operation.locator("form + pre")
    answer.get_by_text('"title": "Shown"').wait_for(timeout=20_000)
    assert answer.inner_text().startswith("200 ")
    assert not page.locator("#put-v1-titles-id").is_visible()
    assert failed == []
    assert all(url.startswith(cluster.origin) for url in asked), asked
