"""The titles of an origin, as far as a client of them can tell."""

from __future__ import annotations

import json
from typing import Any

import httpx

from origin.merge_patch import MERGE_PATCH_TYPE, merge_patch


class TitleStore:
    """Answers requests; `failures` are statuses to answer with first."""

    def __init__(self) -> None:
        self.titles: dict[str, dict[str, Any]] = {}
        self.failures: list[int] = []
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One answer."""
        self.asked.append(f"{request.method} {request.url.path}")
        if self.failures:
            return httpx.Response(self.failures.pop(0), json={"detail": "not now"})
        if request.method == "GET":
            return self._page(request)
        title_id = request.url.path.rpartition("/")[2]
        body = json.loads(request.content)
        if request.method == "PATCH":
            assert request.headers["Content-Type"] == MERGE_PATCH_TYPE
            body = merge_patch(self.titles[title_id], body)
        self.titles[title_id] = body
        return httpx.Response(200, json={"id": title_id, **body})

    def _page(self, request: httpx.Request) -> httpx.Response:
        ids = sorted(each for each in self.titles if each > request.url.params["after"])
        shown = ids[: int(request.url.params["limit"])]
        items = [{"id": each, **self.titles[each]} for each in shown]
        following = shown[-1] if len(ids) > len(shown) else None
        return httpx.Response(200, json={"items": items, "next": following})
