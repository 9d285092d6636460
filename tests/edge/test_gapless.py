"""What is told without a gap is believed, and nothing that another journal tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config.caching import Caching
from tests.edge.conftest import Edge, Plan, eventually, says
from tests.edge.journal import Journal
from tests.edge.test_feed import (
    CONTENT,
    FILM,
    KEY,
    OTHER,
    PATH,
    caught_up,
    is_trusted,
    place,
    purge_of,
    revalidates,
)
from tests.edge.test_feed import _retries_at_once as _retries_at_once
from tests.edge.test_feed import journal as journal
from tests.edge.test_feed import plan as plan


async def hold_all(edge: Edge) -> None:
    await (await edge.client()).ask(PATH)
    await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")


async def hold_as_before_marks(plan: Plan) -> None:
    plan.cache.mkdir()
    (plan.cache / "feed-o.json").write_text('{"sequence": 0}')
    async with plan.start() as edge:
        await hold_all(edge)


async def hold_and_keep_the_place(plan: Plan, journal: Journal) -> None:
    journal.add("films/w")
    async with plan.start() as edge:
        for path in (PATH, OTHER):
            await (await edge.client()).ask(path)
        await eventually(lambda: edge.worker.holdings.held_blocks == 4, "all is held")
        await eventually(lambda: place(plan) == 1, "the place is kept")


async def test_a_start_before_the_origin_asks_nothing_once_it_is_told_without_a_gap(
    plan: Plan, journal: Journal
) -> None:
    await hold_and_keep_the_place(plan, journal)
    plan.origin.put(CONTENT, FILM[::-1])
    journal.add(KEY, "films/x")
    plan.origin.scripts["/v1/changes"] = says("503 No", b"")
    async with plan.start() as edge:
        plan.origin.scripts["/v1/changes"] = journal.serve
        await caught_up(journal)
        await is_trusted(edge, OTHER)
        answer = await (await edge.client()).ask(PATH)
        assert (answer.body, answer.status) == (FILM[::-1], 200)


async def test_what_was_found_good_while_nothing_was_heard_may_have_changed_since(
    plan: Plan, journal: Journal
) -> None:
    await hold_and_keep_the_place(plan, journal)
    plan.origin.scripts["/v1/changes"] = says("503 No", b"")
    async with plan.start() as edge:
        await revalidates(edge)
        edge.origin.put(CONTENT, FILM[::-1])
        journal.add(KEY)
        plan.origin.scripts["/v1/changes"] = journal.serve
        await caught_up(journal)
        assert (await (await edge.client()).ask(PATH)).body == FILM[::-1]


def renamed(journal: Journal) -> None:
    journal.name = "b"
    journal.add("films/x")


def renamed_as_long(journal: Journal) -> None:
    journal.name = "b"


def nameless(journal: Journal) -> None:
    journal.name = None
    journal.add("films/x")


def with_a_gap(journal: Journal) -> None:
    journal.first += 2
    journal.add("films/x")


def shorter(journal: Journal) -> None:
    journal.changes.clear()


REPLACED = [renamed, renamed_as_long, nameless, with_a_gap, shorter]


@pytest.mark.parametrize("replace", REPLACED)
async def test_a_journal_that_does_not_go_on_from_the_place_means_asking_for_each_film(
    plan: Plan, journal: Journal, replace: Callable[[Journal], None]
) -> None:
    await hold_and_keep_the_place(plan, journal)
    replace(journal)
    async with plan.start() as edge:
        for path in (PATH, OTHER):
            await revalidates(edge, path)
            await is_trusted(edge, path)


async def test_a_journal_that_had_no_name_yet_is_the_same_when_it_has_one(
    plan: Plan, journal: Journal
) -> None:
    journal.name = None
    await hold_and_keep_the_place(plan, journal)
    journal.name = "a"
    async with plan.start() as edge:
        await is_trusted(edge)


async def test_doubt_outlives_restarts_until_each_film_was_asked_for(
    plan: Plan, journal: Journal
) -> None:
    await hold_and_keep_the_place(plan, journal)
    journal.add({"kind": "restored", "detail": {}})
    async with plan.start() as edge:
        await revalidates(edge)
        await eventually(lambda: place(plan) == 2, "the new place is kept")
    for _ in range(2):
        async with plan.start() as edge:
            await is_trusted(edge)
    async with plan.start() as edge:
        await revalidates(edge, OTHER)
    async with plan.start() as edge:
        await is_trusted(edge, OTHER)


@pytest.mark.parametrize("spoil", [b"", b"{}", b'{"good": [], "dealt": []}'])
async def test_without_its_marks_a_place_vouches_for_nothing(
    plan: Plan, journal: Journal, spoil: bytes
) -> None:
    await hold_and_keep_the_place(plan, journal)
    (plan.cache / "marks.json").write_bytes(spoil)
    async with plan.start() as edge:
        await revalidates(edge)
    (plan.cache / "marks.json").unlink()
    async with plan.start() as edge:
        await revalidates(edge)


async def test_orders_before_a_place_that_vouches_for_nothing_are_not_obeyed_again(
    plan: Plan, journal: Journal
) -> None:
    journal.add(purge_of("all", all=True))
    async with plan.start() as edge:
        await hold_all(edge)
        await eventually(lambda: place(plan) == 1, "the place is kept")
    (plan.cache / "marks.json").unlink()
    async with plan.start() as edge:
        await revalidates(edge)


async def test_marks_that_are_lost_bring_nothing_back_that_had_none(
    plan: Plan, journal: Journal
) -> None:
    await hold_as_before_marks(plan)
    journal.add({"kind": "restored", "detail": {}})
    async with plan.start():
        await eventually(lambda: place(plan) == 1, "the new place is kept")
    (plan.cache / "marks.json").unlink()
    async with plan.start() as edge:
        await revalidates(edge)


async def test_places_from_before_there_were_marks_are_good_for_what_has_none(
    plan: Plan, journal: Journal
) -> None:
    await hold_as_before_marks(plan)
    assert not (plan.cache / "marks.json").exists()
    async with plan.start() as edge:
        await is_trusted(edge)


async def test_who_takes_stale_answers_makes_nobody_else_get_them_unasked(
    plan: Plan, journal: Journal
) -> None:
    plan = plan.but(caching=Caching("rfc"))
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask(PATH)
        await caught_up(journal)
        await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
        edge.origin.put(CONTENT, FILM[::-1])
        # What was held may be another film by now, and is: this is said by another journal.
        journal.name = "b"
        journal.add("films/x")
        await caught_up(journal)
        for _ in range(3):
            assert (await client.ask(PATH, "Cache-Control: max-stale")).body == FILM
        assert (await client.ask(PATH)).body == FILM[::-1]
