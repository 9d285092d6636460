"""An origin that knows nothing but orders: purges and a night's plan, with their receipts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

_PATHS: Final = {"/v1/purges": "purge", "/v1/warms": "warm", "/v1/pins": "pin"}
_AGES_SECONDS: Final = (4, 65, 400, 2000, 9000)
_FILM_BYTES: Final = 640 << 20
_OBJECTS: Final = 40


def orders_of(
    kind: str, edges: list[str], chance: Random, started_at: float, now: float
) -> list[dict[str, Any]]:
    """Orders of a kind, the newest first, as an origin tells them."""
    orders = []
    for number, age_seconds in enumerate(_AGES_SECONDS):
        at = started_at - age_seconds
        told = [_edge_state(kind, edge, now - at, chance, number) for edge in edges]
        took = sorted(each["ms"] for each in told if "ms" in each)
        worst = ("failed", "working", "pending", "offline", "done")
        film = f"films/film-{number + 1}.mp4"
        asked: dict[str, Any] = {"object": film}
        if kind == "warm":
            asked = {"parts": [{"object": film, "bytes": _FILM_BYTES}], "bytes_per_second": 10**8}
        orders.append(
            {
                "id": f"{kind}-{number + 1:04d}",
                "kind": kind,
                "state": min((each["state"] for each in told), key=worst.index, default="done"),
                "sequence": 100 - number,
                "at": at,
                "by": "simulation",
                "asked": asked,
                "edges": told,
                "p50_ms": took[len(took) // 2] if took else None,
                "p99_ms": took[-1] if took else None,
            }
        )
    return orders


def _edge_state(
    kind: str, edge: str, age_seconds: float, chance: Random, number: int
) -> dict[str, Any]:
    slow = 40 if kind == "purge" else 600
    ms = chance.expovariate(1 / slow)
    if kind == "warm" and number < 2:
        share = min(1.0, age_seconds / 600 * chance.uniform(0.6, 1.4))
        if share < 1:
            progress = {"bytes": round(_FILM_BYTES * share), **_objects(share)}
            return {"name": edge, "state": "working", "progress": progress}
    if chance.random() < 0.004:
        return {"name": edge, "state": "offline"}
    return {"name": edge, "state": "done", "ms": round(ms, 1)}


def _objects(share: float) -> dict[str, int]:
    return {"objects": _OBJECTS, "objects_done": int(share * _OBJECTS), "failed": 0}


async def serve_orders(
    edges: list[str], seed: int, now: Callable[[], float], host: str
) -> asyncio.Server:
    """Answer for lists of orders on a free port of `host`."""
    started_at = now()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ")[1].partition("?")[0]
            kind = _PATHS.get(path, "")
            orders = orders_of(kind, edges, Random(seed), started_at, now()) if kind else []
            body = json.dumps({"items": orders, "next": None}).encode()
            status = "200 OK" if kind or path == "/readyz" else "404 Not Found"
            fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
            writer.write(f"HTTP/1.1 {status}\r\n{fields}\r\nConnection: close\r\n\r\n".encode())
            writer.write(body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, IndexError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, 0)
