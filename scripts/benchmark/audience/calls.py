"""Calls of viewers, each noted with its time and outcome, and the figures that come of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import ClientError, ClientSession

from scripts.benchmark.figures import percentile

NO_ANSWER: Final = 0
"""The status of a call whose connection failed or whose time was up."""

WRONG_BYTES: Final = -1
"""The status of an answer with other bytes than were uploaded."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its name in the figures, its status, how long it took."""

    name: str
    status: int
    seconds: float

    @property
    def failed(self) -> bool:
        """Every call of a viewer is one that should succeed."""
        return not 200 <= self.status < 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: Any = None

    @property
    def is_good(self) -> bool:
        """Whether it is a success."""
        return 200 <= self.status < 400


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the calls with one name; `errors` counts statuses."""

    calls: int
    errors: Mapping[int, int]
    p50_ms: float
    p99_ms: float


class Caller:
    """Asks over one pool of connections, and notes every call in `noted`."""

    def __init__(self, http: ClientSession, origin_url: str) -> None:
        self._http = http
        self.origin_url = origin_url
        self.noted: list[Call] = []

    async def ask(
        self, name: str, method: str, path: str, json: Any = None, token: str = ""
    ) -> Answer:
        """One call to the origin. Failures are answers as well."""
        fields = {"Authorization": f"Bearer {token}"} if token else {}
        began = time.perf_counter()
        try:
            async with self._http.request(
                method, self.origin_url + path, json=json, headers=fields
            ) as got:
                is_json = got.content_type.endswith("json")
                body = await got.json(content_type=None) if is_json else await got.read()
                answer = Answer(got.status, body)
        except (ClientError, TimeoutError, asyncio.IncompleteReadError):
            answer = Answer(NO_ANSWER)
        self.noted.append(Call(name, answer.status, time.perf_counter() - began))
        return answer

    async def read(self, name: str, url: str, expected: bytes) -> None:
        """The first bytes of a film, wherever redirects lead; they have to be `expected`."""
        fields = {"Range": f"bytes=0-{len(expected) - 1}"}
        began = time.perf_counter()
        try:
            async with self._http.get(url, headers=fields) as got:
                is_same = await got.read() == expected
                status = WRONG_BYTES if got.status == 206 and not is_same else got.status
        except (ClientError, TimeoutError):
            status = NO_ANSWER
        self.noted.append(Call(name, status, time.perf_counter() - began))


def summarise(calls: Sequence[Call]) -> dict[str, Figures]:
    """The figures of each name, in the order in which names first came."""
    by_name: dict[str, list[Call]] = {}
    for call in calls:
        by_name.setdefault(call.name, []).append(call)
    return {name: _figures(some) for name, some in by_name.items()}


def _figures(calls: Sequence[Call]) -> Figures:
    took_ms = [call.seconds * 1000 for call in calls]
    return Figures(
        calls=len(calls),
        errors=dict(Counter(call.status for call in calls if call.failed)),
        p50_ms=percentile(took_ms, 0.5),
        p99_ms=percentile(took_ms, 0.99),
    )
