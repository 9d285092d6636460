"""The change journal of an origin, as an edge follows it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.edge.conftest import Asked, Origin, plain_answer, read_content


class Journal:
    """The origin's change journal, with its long-poll."""

    def __init__(self, origin: Origin) -> None:
        self.changes: list[str | dict[str, object]] = []
        self.said: list[dict[str, Any]] = []
        self.names: set[str | None] = set()
        self.forbids = False
        self.published: dict[str, str] = {}
        self.first = 1
        self.name: str | None = "a"
        self.asked_after: list[int] = []
        self._news = asyncio.Event()
        origin.scripts["/v1/changes"] = self.serve
        origin.scripts["/v1/receipts"] = self.take

    @property
    def last(self) -> int:
        return self.first + len(self.changes) - 1

    def add(self, *keys: str | dict[str, object]) -> None:
        self.changes.extend(keys)
        self._news.set()

    def _change(self, key: str | dict[str, object], sequence: int) -> dict[str, object]:
        if isinstance(key, dict):
            return {"key": "", "sequence": sequence, **key}
        etag = self.published.get(key)
        kind = {"kind": "delete"} if etag is None else {"kind": "publish", "etag": etag}
        return {"key": key, "sequence": sequence, **kind}

    async def serve(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        query = dict(part.split("=") for part in asked.target.partition("?")[2].split("&"))
        self.names.add(query.get("edge"))
        if self.forbids and "edge" in query:
            writer.write(plain_answer("401 No", b""))
            return
        after, limit = int(query["after"]), int(query["limit"])
        self.asked_after.append(after)
        if after == self.last and query["wait"] != "0":
            self._news.clear()
            await self._news.wait()
        found = self.changes[max(after - self.first + 1, 0) :][:limit]
        place = max(after, self.first - 1)
        page: dict[str, object] = {
            "changes": [self._change(key, place + n + 1) for n, key in enumerate(found)],
            "last": place + len(found) if found else self.last,
        }
        if self.name is not None:
            page["journal"] = self.name
        writer.write(
            plain_answer("200 OK", json.dumps(page).encode(), "Content-Type: application/json")
        )

    async def take(
        self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        body = json.loads(await read_content(asked, reader))
        self.said += [{**each, "edge": body["edge"]} for each in body["receipts"]]
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
