"""Giving the edges an order through an origin, and waiting for their receipts.

Shared by `purge`, `warm` and `pin`: arguments, progress, and what the end means. Exit code 0 says
that every edge has done it (or, with --no-wait, that the order is given).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cdnkit.service.certificates import believing
from config.topology import OriginNode
from scripts.cli.arguments import like
from scripts.cli.errors import FailedError, UsageError
from scripts.cli.ingest import token_headers

_LOOK_SECONDS: Final = (0.05, 1.0)
"""Shortest and longest pause between two looks at an order."""
_ENDED: Final = frozenset({"done", "failed"})
_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)


def add_arguments(parser: argparse.ArgumentParser, timeout_seconds: float) -> None:
    """What all orders have in common."""
    parser.add_argument(
        "--at", metavar="URL", required=True, type=like(OriginNode, "url"), help="the origin"
    )
    parser.add_argument(
        "--token-env", metavar="NAME", help="environment variable with the bearer token"
    )
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the receipts")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=float,
        default=timeout_seconds,
        help=f"longest wait for the receipts (default: {timeout_seconds:g})",
    )
    parser.add_argument("--json", action="store_true", help="print the order as JSON")


def add_places(parser: argparse.ArgumentParser) -> None:
    """Which edges."""
    parser.add_argument("--edge", metavar="NAME", action="append", help="only this edge; repeat")
    parser.add_argument("--site", metavar="NAME", action="append", help="only its edges; repeat")


def body_of(args: argparse.Namespace, names: Mapping[str, str]) -> dict[str, Any]:
    """The members of an order from the arguments that were given: argument name -> member."""
    given = {member: getattr(args, name) for name, member in names.items()}
    return {member: value for member, value in given.items() if value not in (None, False)}


def give(
    args: argparse.Namespace,
    path: str,
    body: Mapping[str, Any],
    *,
    environ: Mapping[str, str] = os.environ,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Give an order, show how it goes; the exit code. Raises FailedError, UsageError."""
    with client_at(args.at, args.token_env, environ) as client:
        answer = ask(client, "POST", path, json=dict(body))
        order = answer.json()
        where = answer.headers["Location"]
        if not args.no_wait:
            order = _await(client, where, order, args.timeout, clock, pause)
    print(json.dumps(order, indent=2) if args.json else "\n".join(render(order)))
    return 0 if args.no_wait or order["state"] == "done" else 1


def ask(client: httpx.Client, method: str, path: str, **more: Any) -> httpx.Response:
    """The answer, when it is one of success. Raises FailedError, UsageError."""
    try:
        answer = client.request(method, path, **more)
    except httpx.TransportError as error:
        raise FailedError(f"{client.base_url}: {error or type(error).__name__}") from error
    if answer.is_success:
        return answer
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = f"answered {answer.status_code}"
    if answer.status_code == 400:
        raise UsageError(str(detail))
    raise FailedError(f"{client.base_url}: {detail}")


def client_at(url: str, token_env: str | None, environ: Mapping[str, str]) -> httpx.Client:
    """A client of an origin. Raises UsageError."""
    headers = token_headers(token_env, environ)
    return httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT, verify=believing(""))


def render(order: Mapping[str, Any]) -> list[str]:
    """An order as lines for people."""
    lines = [f"{order['kind']} {order['id']}: {order['state']}"]
    for edge in order["edges"]:
        took = f" in {edge['ms']:g} ms" if "ms" in edge else ""
        progress = ", ".join(f"{n} {v}" for n, v in edge.get("progress", {}).items())
        lines.append(f"  {edge['name']}: {edge['state']}{took}" + (progress and f" ({progress})"))
    if order["p50_ms"] is not None:
        lines.append(f"p50 {order['p50_ms']:g} ms, p99 {order['p99_ms']:g} ms")
    return lines


def _await(
    client: httpx.Client,
    where: str,
    order: dict[str, Any],
    timeout_seconds: float,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> dict[str, Any]:
    until = clock() + timeout_seconds
    seconds = _LOOK_SECONDS[0]
    with _progress() as progress:
        task = progress.add_task(f"{order['kind']} {order['id']}", total=len(order["edges"]))
        while order["state"] not in _ENDED and clock() < until:
            pause(seconds)
            seconds = min(seconds * 1.5, _LOOK_SECONDS[1])
            order = ask(client, "GET", where).json()
            done = sum(edge["state"] == "done" for edge in order["edges"])
            progress.update(task, completed=done, total=len(order["edges"]))
    return order


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("edges"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
