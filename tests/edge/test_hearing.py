"""Players are heard on both paths, each request once, and never more than can be read."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from cdnkit.playing import Playing
from edge.fastlane import HEARD_MAX, HEARD_SURGE_MAX, FastLane
from edge.hearing import Hearing
from edge.players import UNHEARD
from edge.targets import Targets
from tests.edge.conftest import BLOCK, Edge, Plan, on_disk
from tests.helpers.clock import FakeClock


def hearing() -> Hearing:
    return Hearing(Playing(), lambda *_: None, FakeClock())


def lane() -> FastLane:
    return FastLane(cast(Any, None), b"", None, Targets(0))


class Player:
    """As the lane knows a connection whose block it has seen."""

    sends_cmcd = True
    plain = b" HTTP/1.1\r\nHost: a\r\n\r\n"
    plain_size = len(plain)


def telling(made: FastLane, number: int) -> None:
    """As many answers of the lane to a player that tells something."""
    head = b'GET /film HTTP/1.1\r\nHost: a\r\nCMCD-Session: sid="s"\r\ncmcd-status: bs \r\n\r\n'
    made._by_line[b"GET /film"] = cast(Any, SimpleNamespace(until=1.0))
    made._whole = lambda *_: True  # type: ignore[method-assign]
    for _ in range(number):
        assert made.answer(cast(Any, Player()), head)


def test_what_the_lane_keeps_is_read_at_the_next_tick() -> None:
    made, ears = lane(), hearing()
    telling(made, 3)
    ears.absorb(made)
    ears.absorb(made)
    counted = ears.counted()
    assert (counted["film", "reports"], counted["film", "starved"]) == (3, 3)
    assert counted["film", "sessions"] == 1
    assert UNHEARD not in counted


def test_of_more_than_can_be_read_a_share_is() -> None:
    made, ears = lane(), hearing()
    telling(made, 10 * HEARD_MAX)
    made.take_heard()
    telling(made, 10 * HEARD_MAX)
    ears.absorb(made)
    counted = ears.counted()
    assert counted["film", "reports"] == HEARD_MAX
    assert counted[UNHEARD] == 9 * HEARD_MAX


def test_a_surge_of_players_does_not_hold_the_loop_up() -> None:
    made, ears = lane(), hearing()
    telling(made, 3 * HEARD_SURGE_MAX)
    ears.absorb(made)
    counted = ears.counted()
    assert counted["film", "reports"] == HEARD_SURGE_MAX
    assert counted[UNHEARD] == 2 * HEARD_SURGE_MAX


async def test_both_paths_hear_each_request_once(plan: Plan) -> None:
    plan.origin.put("/film", bytes(3 * BLOCK))
    async with plan.start() as edge:
        client = await edge.client()
        for number in range(20):
            await client.ask("/film", "Range: bytes=0-99", f"CMCD-Request: bl={number}00,su")
            await on_disk(edge, 2)
            await client.ask("/film", "Range: bytes=0-99")
        query = "/film?CMCD=bl%3D100%2Cot%3Dv"
        for _ in range(10):
            await client.ask(query, "Range: bytes=0-99")
        assert edge.worker.lane._number > 20
        assert reports(edge) == {"reports": 30, "startup": 20, "object_v": 10}


def reports(edge: Edge) -> dict[str, int]:
    """What the worker has heard of the film."""
    found: Counter[tuple[str, str]] = edge.worker.players()
    wanted = ("reports", "startup", "object_v")
    return {name: found["film", name] for name in wanted}
