"""An origin is killed while players tell what was watched: what it has acknowledged is there.

Real processes over SQLite on disk, which is what a single origin has; players go on where they were
when it is back, telling again what they had no answer for.
"""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers.entering import token_of
from tests.helpers.processes import wait_until
from tests.helpers.upload_origin import UploadOrigin

PLAYERS = 4
TOGETHER = (1, 7, 50, 100)
KILLS = 3
SERVICE = {"accounts": {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1}}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class Player:
    """Tells one event after the other, so many in a request, and remembers what was answered."""

    def __init__(self, number: int, url: str, token: str, stop: threading.Event) -> None:
        self.acknowledged: list[str] = []
        self.wrong: list[str] = []
        self._number = number
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._stop = stop
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        told = 0
        while not self._stop.is_set():
            some = [f"{self._number}-{told + more}" for more in range(TOGETHER[self._number])]
            if self._tell(some):
                told += len(some)
                self.acknowledged += some

    def _tell(self, names: list[str]) -> bool:
        events = [{"kind": "search", "words": "x", "id": name} for name in names]
        try:
            answer = httpx.post(
                f"{self._url}/v1/activity",
                json={"events": events},
                headers=self._headers,
                timeout=30,
            )
        except httpx.HTTPError:
            return False
        if answer.status_code != 200:
            return False
        items = answer.json()["items"]
        self.wrong += [str(item) for item in items if item["outcome"] == "refused"]
        return [item["id"] for item in items] == names


def wait_for_answers(players: list[Player]) -> None:
    """Let each player be answered once more."""
    before = [len(player.acknowledged) for player in players]

    def answered() -> bool:
        after = [len(player.acknowledged) for player in players]
        return all(more > less for more, less in zip(after, before, strict=True))

    wait_until(answered, "every player is answered", 60)


def kept(url: str, token: str) -> Counter[str]:
    found: Counter[str] = Counter()
    after: Any = ""
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
        while after is not None:
            page = http.get(f"{url}/v1/activity", params={"limit": 1000, "after": after}).json()
            found.update(item["id"] for item in page["items"])
            after = page["next"]
    return found


def test_origin_that_is_killed_again_and_again_loses_nothing_it_acknowledged(
    tmp_path: Path,
) -> None:
    with UploadOrigin(tmp_path / "origin", sections={"service": SERVICE}) as origin:
        token = token_of(origin.url, origin.topology, "viewer")
        stop = threading.Event()
        players = [Player(number, origin.url, token, stop) for number in range(PLAYERS)]
        for player in players:
            player.thread.start()
        try:
            for _ in range(KILLS):
                wait_for_answers(players)
                origin.kill()
                origin.start()
        finally:
            stop.set()
            for player in players:
                player.thread.join(60)
        found = kept(origin.url, token)
    acknowledged = [name for player in players for name in player.acknowledged]
    assert set(acknowledged) <= found.keys()
    assert set(found.values()) == {1}
    assert [player.wrong for player in players] == [[]] * PLAYERS
