"""A database that is away is complained of once each time, and looked for again."""

from __future__ import annotations

import asyncio

import pytest

from cdnkit.errors import UnavailableError
from origin.catalog.looking import keep_looking


async def test_each_absence_is_reported_once() -> None:
    is_there = iter([False, False, True, False, True])
    said: list[str] = []

    async def look() -> None:
        answer = next(is_there, None)
        if answer is None:
            raise asyncio.CancelledError
        if not answer:
            raise UnavailableError("gone")

    with pytest.raises(asyncio.CancelledError):
        await keep_looking(look, 0, said.append, "nothing is counted")
    assert said == ["nothing is counted: gone"] * 2
