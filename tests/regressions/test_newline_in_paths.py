"""A path whose parameter held a newline met no route, and an answer that no document names.

A dot of an expression matches no newline, so `OPTIONS /v1/content/a%0Ai` was 404 instead of 400.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from tests.geo_router.test_steering_handlers import steered
from tests.origin.conftest import StartOrigin
from tests.origin.conftest import start_origin as start_origin

HOSTILE = (
    *("a%0Ai", "%0A", "%0D%0A", "%E2%80%A8", "%C2%85", "%00", "%7B", "a%7Dz", "%2F"),
    *("%2E%2E", "%25", "%", "%F1%88%8F%A9-~%C3%85%0F%C2%9C%0Ai%C2%82", "a" * 3000),
)


def documented(api: dict[str, Any]) -> Iterator[tuple[str, str, set[int]]]:
    """Path, method and the statuses it may have, of all that takes a parameter in its path."""
    for path, item in api["paths"].items():
        for method, said in item.items():
            if "{" in path:
                yield path, method, {int(status) for status in said["responses"]}


async def surprises(client: ClientSession, origin_url: str, parameter: str) -> list[str]:
    """Answers that the document does not name, or that no route gave."""
    async with client.get(f"{origin_url}/openapi.json") as answer:
        api = await answer.json()
    found = []
    for path, method, statuses in documented(api):
        address = origin_url + re.sub(r"\{\w+\}", lambda _: parameter, path)
        url = URL(address, encoded=True)
        async with client.request(method, url, allow_redirects=False) as answer:
            text = "" if answer.status < 400 else await answer.text()
            if answer.status not in statuses or "Nothing answers" in text:
                found.append(f"{method} {path}: {answer.status} {text}")
    return found


@pytest.mark.parametrize("parameter", HOSTILE)
async def test_origin_answers_any_parameter_as_documented(
    start_origin: StartOrigin, parameter: str
) -> None:
    async with start_origin() as origin:
        url = f"http://{origin.host}:{origin.port}"
        assert await surprises(origin.client, url, parameter) == []


@pytest.mark.parametrize("parameter", HOSTILE)
async def test_router_answers_any_parameter_as_documented(parameter: str) -> None:
    async with steered() as at:
        assert await surprises(at.http, at.url, parameter) == []
