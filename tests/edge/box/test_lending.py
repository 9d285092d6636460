"""An owner tells who borrowed an entry everything that happens to it, and nobody else anything."""

from __future__ import annotations

from config.caching import Caching
from edge.entry import EVICTED, HELD, UNVERIFIED
from tests.edge.box.conftest import Boxed, boxed_workers, owned_by
from tests.edge.conftest import BLOCK, Plan, eventually, says

TARGET = owned_by(1)
KEY = TARGET.encode()
FILM = bytes(range(256)) * (3 * BLOCK // 256)


async def lent(box: Boxed) -> None:
    """Worker 0 has borrowed the film of worker 1, which holds all of it."""
    box.workers[0].origin.put(TARGET, FILM)
    assert (await (await box.workers[0].client()).ask(TARGET)).body == FILM
    await eventually(lambda: box.workers[1].worker.holdings.held_blocks == 3, "all is held")
    for edge in box.workers:
        for client in edge.clients:
            client.close()


async def test_only_who_asked_knows_the_entry(box: Boxed) -> None:
    await lent(box)
    owner, borrower, third = (box.workers[number].worker.holdings for number in (1, 0, 2))
    assert owner.entries[KEY].borrowers == {0}
    assert borrower.entries[KEY].loan is not None
    assert not third.entries
    assert (borrower.borrowed_entries, owner.borrowed_entries) == (1, 0)
    await eventually(lambda: set(borrower.entries[KEY].present) == {HELD}, "it knows the blocks")


async def test_an_eviction_is_known_to_the_borrower(box: Boxed) -> None:
    await lent(box)
    owner, borrower = (box.workers[number].worker.holdings for number in (1, 0))
    entry = owner.entries[KEY]
    owner._evict(entry, 1)
    await eventually(lambda: borrower.entries[KEY].present[1] == EVICTED, "it is told")
    assert borrower.open_block(borrower.entries[KEY], 1) is None


async def test_a_removal_is_known_with_its_reason(box: Boxed) -> None:
    await lent(box)
    owner, borrower = (box.workers[number].worker.holdings for number in (1, 0))
    owner.invalidate(KEY)
    await eventually(lambda: not borrower.entries, "it is told")
    assert borrower.why_missing(KEY).value == "purged"
    await eventually(
        lambda: not list(owner.disks[0].path.glob("??/*/*-*")), "the files go when it is given back"
    )


async def test_a_block_in_doubt_is_doubted_by_all(box: Boxed) -> None:
    await lent(box)
    owner, borrower = (box.workers[number].worker.holdings for number in (1, 0))
    borrower.sharing.doubted(borrower.entries[KEY], 2)
    await eventually(lambda: owner.entries[KEY].present[2] == UNVERIFIED, "the owner doubts it")
    await eventually(lambda: borrower.entries[KEY].present[2] == UNVERIFIED, "so does who said it")
    assert (await (await box.workers[0].client()).ask(TARGET)).body == FILM


async def test_what_its_owner_gives_up_a_borrower_asks_for(box: Boxed) -> None:
    await lent(box)
    edge, owner = box.workers[0], box.workers[1].worker.holdings
    entry, trust = edge.worker.holdings.entries[KEY], edge.worker.holdings.trust
    assert not trust.doubts(entry.mark, is_followed=True)
    owner.distrust()
    await eventually(lambda: trust.doubts(entry.mark, is_followed=True), "it is told")
    asked = len(edge.origin.asked)
    client = await edge.client()
    assert "fwd=stale; fwd-status=304" in (await client.ask(TARGET)).fields["cache-status"]
    assert "; hit" in (await client.ask(TARGET)).fields["cache-status"]
    assert len(edge.origin.asked) == asked + 1


async def test_who_has_doubts_of_its_own_asks_the_owner_alone(box: Boxed) -> None:
    await lent(box)
    edge = box.workers[0]
    edge.worker.holdings.distrust()
    asked = len(edge.origin.asked)
    client = await edge.client()
    for _ in range(2):
        assert (await client.ask(TARGET)).body == FILM
    trust = edge.worker.holdings.trust
    assert not trust.doubts(edge.worker.holdings.entries[KEY].mark, is_followed=True)
    assert len(edge.origin.asked) == asked


async def test_what_is_lent_in_doubt_is_not_believed(box: Boxed) -> None:
    await lent(box)
    owner, third = box.workers[1].worker.holdings, box.workers[2].worker.holdings
    owner.distrust()
    box.workers[0].origin.scripts[TARGET] = says("503 No", b"")
    answer = await (await box.workers[2].client()).ask(TARGET)
    assert answer.body == FILM
    assert "fwd=stale; fwd-status=503" in answer.fields["cache-status"]
    assert third.trust.doubts(third.entries[KEY].mark, is_followed=False)


async def test_what_an_owner_could_not_ask_for_is_not_believed_for_its_head_either(
    box: Boxed,
) -> None:
    await lent(box)
    owner, borrower = (box.workers[number].worker.holdings for number in (1, 0))
    owner.distrust()
    entry = borrower.entries[KEY]
    await eventually(lambda: borrower.trust.doubts(entry.mark, is_followed=False), "it is told")
    box.workers[0].origin.scripts[TARGET] = says("503 No", b"")
    answer = await (await box.workers[0].client()).ask(TARGET, method="HEAD")
    assert answer.status == 200
    assert borrower.trust.doubts(entry.mark, is_followed=False)


async def test_what_an_owner_served_by_its_askers_wish_is_not_believed(plan: Plan) -> None:
    async with boxed_workers(plan.but(caching=Caching("rfc")), 3) as box:
        await lent(box)
        owner, third = box.workers[1].worker.holdings, box.workers[2].worker.holdings
        owner.distrust()
        client = await box.workers[2].client()
        for wish in ("Cache-Control: max-stale", "Cache-Control: max-stale=9"):
            answer = await client.ask(TARGET, wish)
            assert answer.body == FILM
            assert "fwd" not in answer.fields["cache-status"]
        assert third.trust.doubts(third.entries[KEY].mark, is_followed=False)


async def test_a_borrower_that_leaves_holds_nothing_back(box: Boxed) -> None:
    await lent(box)
    neighbours = box.workers[0].worker.box
    assert neighbours is not None
    await neighbours.neighbours.close()
    owner = box.workers[1].worker.holdings
    await eventually(lambda: not owner.entries[KEY].borrowers, "it is crossed out")
