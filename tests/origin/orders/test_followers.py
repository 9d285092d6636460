"""Who follows the journal, as the other origins learn of it."""

from __future__ import annotations

from collections.abc import Collection

from cdnkit.errors import UnavailableError
from origin.orders.followers import Followers


class Rows:
    def __init__(self) -> None:
        self.written: list[set[str]] = []
        self.is_away = False

    async def saw(self, edges: Collection[str]) -> None:
        if self.is_away:
            raise UnavailableError("away")
        self.written.append(set(edges))


async def test_an_edge_is_written_when_it_comes_and_while_it_is_there() -> None:
    rows, complaints = Rows(), list[str]()
    followers = Followers(rows, complaints.append)  # type: ignore[arg-type]
    here = {"e1": True, "e2": True}
    async with followers.following("e1", lambda: here["e1"]):
        async with followers.following("e2", lambda: here["e2"]):
            assert rows.written == [{"e1"}, {"e2"}]
            here["e2"] = False
            await followers.beat()
            assert rows.written[2:] == [{"e1"}]
        async with followers.following("e1", lambda: True):
            assert len(rows.written) == 3
    await followers.beat()
    assert rows.written[3:] == [set()]


async def test_a_database_that_is_away_keeps_nobody_from_following() -> None:
    rows, complaints = Rows(), list[str]()
    rows.is_away = True
    followers = Followers(rows, complaints.append)  # type: ignore[arg-type]
    async with followers.following("e1", lambda: True):
        assert len(complaints) == 1
        rows.is_away = False
        async with followers.following("e1", lambda: True):
            assert rows.written == [{"e1"}]
