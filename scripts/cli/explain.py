"""`cinedge explain`: asks a router why a viewer is sent where."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

import httpx

from cdnkit.service.certificates import believing
from cdnkit.wire import EXPLAIN_PATH
from config.topology import RouterNode
from scripts.cli.arguments import like
from scripts.cli.errors import FailedError

_DESCRIPTION = """\
Replays a routing decision: where the address was taken to be, which edges were
ranked and why, and which were passed over."""

_EPILOG = """\
examples:
  cinedge explain films/film.mp4 --router http://127.0.0.1:8080 --ip 192.0.2.7
  cinedge explain films/film.mp4 --router http://127.0.0.1:8080 --json"""


def add_parser(subparsers: Any) -> None:
    """Adds `explain`."""
    parser = subparsers.add_parser(
        "explain",
        help="ask a router why a viewer is sent where",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("title", metavar="KEY", help="object key, such as films/film.mp4")
    parser.add_argument(
        "--router", metavar="URL", required=True, type=like(RouterNode, "url"), help="which router"
    )
    parser.add_argument("--ip", metavar="ADDRESS", help="the viewer (default: this machine)")
    parser.add_argument("--offset", metavar="BYTES", type=int, default=0, help="where in the film")
    parser.add_argument("--json", action="store_true", help="print the whole answer")


def run(args: argparse.Namespace) -> int:
    """Prints the explanation; 1 when nobody can serve. Raises FailedError."""
    with httpx.Client(base_url=args.router, timeout=10, verify=believing("")) as client:
        body = ask(client, args.title, args.ip, args.offset)
    print(json.dumps(body, indent=2) if args.json else "\n".join(render(body)))
    return 0 if body["edges"] else 1


def ask(client: httpx.Client, title: str, ip: str | None, offset: int) -> dict[str, Any]:
    """The router's explanation. Raises FailedError."""
    query: dict[str, str | int] = {"title": title, "offset": offset}
    if ip is not None:
        query["ip"] = ip
    try:
        answer = client.get(EXPLAIN_PATH, params=query)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise FailedError(f"{client.base_url}: {error or type(error).__name__}") from error
    if answer.status_code != 200 or not isinstance(body, dict):
        detail = body.get("detail") if isinstance(body, dict) else None
        raise FailedError(f"{client.base_url}: {detail or f'answered {answer.status_code}'}")
    return body


def render(body: Mapping[str, Any]) -> list[str]:
    """The explanation as lines for people."""
    place = body["place"]
    where = place["site"] or place["country"] or "unknown"
    lines = [
        f"{place['address'] or 'no address'} ({place['said_by']}) is at {where}, "
        f"says the {place['source']} {place['matched']}".rstrip(),
        f"{body['path']} -> {body['url'] or 'nobody'} ({body['rung']})",
    ]
    for number, edge in enumerate(body["edges"], 1):
        distance = edge["distance_km"]
        far = "" if distance is None else f", {distance:.0f} km"
        lines.append(f"{number:>4}. {edge['name']} [{edge['site'] or edge['rung']}{far}]")
        lines.extend(f"      {reason}" for reason in edge["reasons"])
    lines.extend(
        f"   -  {edge['name']} [{edge['site']}] {edge['reason']}" for edge in body["passed_over"]
    )
    lines.extend(
        f"   ~  {seen['edge']}: {seen['bits_per_second'] / 1e6:.1f} Mbit/s measured by "
        f"{seen['count']} players"
        for seen in body.get("measured", ())
    )
    return lines
