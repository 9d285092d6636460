"""An application describes itself, to programs and in a page that asks no other host."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cdnkit.service.openapi import undeclared
from cdnkit.service.reference import Reference
from tests.cdnkit.service.conftest import Start


@pytest.fixture
async def ask(start: Start) -> Any:
    rig = await start(reference=Reference("Things", "About things."))
    assert undeclared(rig.app) == []

    async def go(path: str, **headers: str) -> tuple[int, Any, bytes]:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        async with rig.client.get(rig.url(path), headers=fields) as answer:
            return answer.status, answer.headers, await answer.read()

    return go


async def test_document_describes_the_process_routes(ask: Any) -> None:
    status, headers, body = await ask("/openapi.json")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    document = json.loads(body)
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        *("/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/{name}")
    }
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/docs.js", "/docs/docs.css"])
async def test_client_that_has_it_gets_304(ask: Any, path: str) -> None:
    status, headers, body = await ask(path)
    assert (status, len(body) > 0) == (200, True)
    assert (await ask(path, If_None_Match=headers["ETag"]))[0] == 304


async def test_page_is_allowed_this_origin_alone(ask: Any) -> None:
    status, headers, body = await ask("/docs")
    assert "connect-src 'self';" in headers["Content-Security-Policy"]
    assert b"docs.js" in body
    status, _, _ = await ask("/docs/nothing")
    assert status == 404


def test_page_names_no_other_host() -> None:
    folder = files("cdnkit.service").joinpath("web", "docs")
    for file in folder.iterdir():
        assert not re.search(r"https?://|[\"'(]//", file.read_text()), file.name
