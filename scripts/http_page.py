"""Writes the page of all HTTP operations from their declarations: docs/http-reference.md.

`python -m scripts.http_page` writes it; a test holds it to the handlers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiohttp import web

from cdnkit.service.health import Health
from cdnkit.service.openapi import describe_api
from config.load import parse_topology
from config.topology import Topology
from edge.admin import Admin, build_admin
from edge.drain import DrainMark
from edge.scoreboard import Scoreboard, Tally
from edge.totals import Totals
from geo_router.app import build_router
from origin.app import build_origin

PAGE: Final = Path(__file__).parents[1] / "docs" / "http-reference.md"

_HEAD: Final = """\
# HTTP reference

Made from what the handlers declare by `python -m scripts.http_page`; change it there. Each process
says the same of itself, with every shape and field: `/openapi.json` (OpenAPI 3.1), and `/docs` in a
browser. How the parts work together is told in [wire.md](wire.md) and
[wire-router.md](wire-router.md).

- **Who**: the scope of an access token (`Authorization: Bearer …`), or `viewer` for somebody who is
  signed in; empty where anybody may ask.
- **Takes**: members of the query and header fields, then the body. What has to be there has a `!`.
- **Answers**: status and shape.
- **Errors** are `application/problem+json` (RFC 9457), whose `type` ends with the name that stands
  here. What is not understood is answered with 400 `bad-request` everywhere.
"""

_TIERS: Final = {
    "origin": ("Origin", "With the film service, which is there when the topology has `service`."),
    "router": ("Router", "On its port for viewers."),
    "edge": ("Edge", "On its admin port. On the other one it answers for its origins."),
}
_TOPOLOGY: Final = """
origins: [{name: origin-1, listen: "127.0.0.1:8000", data: data}]
sites: [{name: here, latitude: 0, longitude: 0}]
edges: [{name: edge-1, site: here, listen: "127.0.0.1:9000", disks: [{path: cache}]}]
routers: [{name: router-1, listen: "127.0.0.1:8080"}]
routes: [{prefix: /}]
geo: {default_site: here}
token_keys: [{id: key-1, secret: a key of more than 32 characters!}]
service:
  payments:
    plans: [{id: all, name: All, prices: [{currency: EUR, amount_minor: 999, stripe: price_1}]}]
    secret: sk_test_none
    webhook: {secret: whsec_none}
"""


def http_page() -> str:
    """The page as Markdown."""
    with TemporaryDirectory() as folder:
        topology = parse_topology(_TOPOLOGY, {}, folder=folder)
        documents = asyncio.run(_documents(topology))
    lines = [line for tier, each in documents.items() for line in _section(tier, each)]
    return _HEAD + "\n".join(["", *lines]).rstrip("\n") + "\n"


async def _documents(topology: Topology) -> dict[str, dict[str, Any]]:
    """The OpenAPI documents by tier."""
    origin = await build_origin(topology.origins[0], topology, open_uploads=True)
    router = build_router(topology.routers[0], topology)
    admin = Admin("edge-1", Tally(Totals, Scoreboard(1), 0), DrainMark(), _nobody, Health(), dict)
    made = {"origin": origin, "router": router.application, "edge": build_admin(admin)}
    try:
        return {tier: describe_api(app, tier, "", "") for tier, app in made.items()}
    finally:
        runner = web.AppRunner(origin)
        await runner.setup()
        await runner.cleanup()


def _nobody(request: web.Request, scope: str) -> str:
    raise NotImplementedError("it is described, not asked")


def _section(tier: str, document: Mapping[str, Any]) -> Iterator[str]:
    title, about = _TIERS[tier]
    yield from (f"## {title}", "", about, "")
    by_tag: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            row = _row(method.upper(), path, operation)
            by_tag.setdefault(operation["tags"][0], []).append(row)
    for tag, rows in sorted(by_tag.items()):
        yield from (f"### {title}: {tag}", "")
        yield "| operation | does | who | takes | answers | errors |"
        yield "|---|---|---|---|---|---|"
        yield from (*rows, "")


def _row(method: str, path: str, operation: Mapping[str, Any]) -> str:
    cells = (
        f"`{method} {path}`",
        operation["summary"],
        ", ".join(_who(operation)),
        ", ".join(_takes(operation)),
        ", ".join(_answers(operation)),
        ", ".join(_errors(operation)),
    )
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def _who(operation: Mapping[str, Any]) -> Iterator[str]:
    for each in operation.get("security", ()):
        yield from (f"`{scope}`" for scope in each.get("token", ()))
        if "session" in each:
            yield "viewer"


def _takes(operation: Mapping[str, Any]) -> Iterator[str]:
    for each in operation["parameters"]:
        if each["in"] != "path":
            yield f"`{each['name']}`" + "!" * each["required"]
    body = operation.get("requestBody")
    if body is not None:
        ((content_type, content),) = body["content"].items()
        yield (_name_of(content["schema"]) or f"`{content_type}`") + "!" * body["required"]


def _answers(operation: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        content = {
            content_type: each
            for content_type, each in answer.get("content", {}).items()
            if content_type != "application/problem+json"
        }
        if status < "400" or content:
            shapes = [_name_of(each["schema"]) or f"`{kind}`" for kind, each in content.items()]
            yield " ".join([status, *shapes])


def _errors(operation: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        problem = answer.get("content", {}).get("application/problem+json")
        if problem is not None:
            kinds = problem["schema"].get("properties", {}).get("type", {}).get("enum", ())
            names = [re.split("[:/]", kind)[-1] for kind in kinds]
            if names != ["bad-request"]:
                yield " ".join([status, *names])


def _name_of(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def main() -> int:
    """Write the page."""
    PAGE.write_text(http_page())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
