"""Borrowed entries: bounded, good for hits while the owner is away, asked anew when it is back."""

from __future__ import annotations

from copy import copy

from edge.box.borrowing import Borrowing
from edge.entry import HELD
from tests.edge.box.conftest import Boxed, boxed_workers, owned_by
from tests.edge.conftest import BLOCK, Edge, Plan, eventually

FILM = bytes(range(256)) * (3 * BLOCK // 256)
TARGETS = [owned_by(1, suffix=f"-{number}") for number in range(5)]


def borrowing(edge: Edge) -> Borrowing:
    assert edge.worker.box is not None
    return edge.worker.box._borrowing


async def test_what_was_used_longest_ago_is_given_back_when_there_is_too_much(box: Boxed) -> None:
    edge, owner = box.workers[0], box.workers[1]
    borrowing(edge)._entries_max = 2
    for target in TARGETS[:2]:
        edge.origin.put(target, FILM)
        await (await edge.client()).ask(target)
    borrowing(edge).tell_touched()
    edge.origin.put(TARGETS[2], FILM)
    edge.clients[0].close()
    await eventually(lambda: len(edge.worker.server.connections) == 1, "nobody reads the first")
    await (await edge.client()).ask(TARGETS[2])
    known = edge.worker.holdings.entries
    assert {key.decode() for key in known} == set(TARGETS[1:3])
    first = owner.worker.holdings.entries[TARGETS[0].encode()]
    await eventually(lambda: not first.borrowers, "the owner knows")
    assert edge.worker.holdings.borrowed_entries == 2


async def test_hits_go_on_while_the_owner_is_away_and_misses_find_another_way(
    box: Boxed,
) -> None:
    edge, owner = box.workers[0], box.workers[1]
    held, other = TARGETS[:2]
    for target in (held, other):
        edge.origin.put(target, FILM)
    await (await edge.client()).ask(held)
    entry = edge.worker.holdings.entries[held.encode()]
    await eventually(lambda: set(entry.present) == {HELD}, "it is held")
    assert owner.worker.box is not None
    await owner.worker.box.neighbours.close()
    neighbours = edge.worker.box
    assert neighbours is not None
    await eventually(lambda: 1 not in neighbours.neighbours.followed, "it is missed")
    client = await edge.client()
    asked = len(edge.origin.asked)
    answer = await client.ask(held)
    assert answer.body == FILM
    assert answer.fields["cache-status"].startswith("edge-1; hit;")
    assert len(edge.origin.asked) == asked
    for _ in range(2):
        assert (await client.ask(other)).body == FILM
    assert not list(edge.worker.holdings.disks[0].path.glob("??/*/*.0-*")), "nothing is written"


async def test_after_its_return_an_owner_is_asked_anew(plan: Plan) -> None:

    held = TARGETS[0]
    plan.origin.put(held, FILM)
    async with boxed_workers(plan, 3) as box:
        edge = box.workers[0]
        await (await edge.client()).ask(held)
        assert edge.worker.box is not None
        neighbours = edge.worker.box.neighbours
        lost = neighbours.followed[1]
        # The link breaks, the owner is alive and takes us again at once.
        lost.close()
        await eventually(lambda: neighbours.followed.get(1) not in (None, lost), "met again")
        assert held.encode() not in edge.worker.holdings.entries
        assert (await (await edge.client()).ask(held)).body == FILM
        assert len(plan.origin.asked) == 1


async def test_what_is_given_back_of_a_former_link_is_not_what_was_lent_since(plan: Plan) -> None:
    held = TARGETS[0]
    plan.origin.put(held, FILM)
    async with boxed_workers(plan, 3) as box:
        edge = box.workers[0]
        await (await edge.client()).ask(held)
        before = edge.worker.holdings.entries[held.encode()]
        assert before.loan is not None
        key = before.loan.owner, before.loan.number
        known = borrowing(edge)._known
        known[key] = again = copy(before)
        borrowing(edge).released(before)
        assert known[key] is again
