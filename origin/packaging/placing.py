"""Asks edges for the first bytes of a package until enough of them hold those.

The first request makes an edge fetch the bytes; it counts once a later answer says that it had
them at hand (Cache-Status, RFC 9211). Which edges there are comes from the topology.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import aiohttp

from cdnkit.wire import CACHE_STATUS_HEADER

FIRST_BYTES: Final = 1024 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=20)


async def count_holding(
    urls: Sequence[str], wanted: Mapping[str, tuple[int, str]], session: aiohttp.ClientSession
) -> int:
    """How many of the edges at `urls` hold the first bytes of every object of `wanted`.

    `wanted` gives size and ETag by key. An edge that cannot be asked does not hold them.
    """
    answers = await asyncio.gather(*(_holds_all(url, wanted, session) for url in urls))
    return sum(answers)


async def _holds_all(
    url: str, wanted: Mapping[str, tuple[int, str]], session: aiohttp.ClientSession
) -> bool:
    try:
        for key, (size_bytes, etag) in wanted.items():
            if not await _holds(f"{url.rstrip('/')}/{key}", size_bytes, etag, session):
                return False
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
    return True


async def _holds(url: str, size_bytes: int, etag: str, session: aiohttp.ClientSession) -> bool:
    """Ask twice: to let the edge fetch, and to see that it has."""
    last = min(size_bytes, FIRST_BYTES) - 1
    status = ""
    for _ in range(2):
        headers = {"Range": f"bytes=0-{last}"}
        async with session.get(url, headers=headers, timeout=_TIMEOUT) as answer:
            data = await answer.read()
            if answer.status != 206 or len(data) != last + 1 or answer.headers.get("ETag") != etag:
                return False
            status = answer.headers.get(CACHE_STATUS_HEADER, "")
        if is_hit(status):
            return True
    return is_hit(status)


def is_hit(cache_status: str) -> bool:
    """Whether the nearest cache had the bytes: the last member of the list (RFC 9211 2)."""
    members: Iterable[str] = cache_status.rpartition(",")[2].split(";")[1:]
    return any(member.strip() == "hit" for member in members)
