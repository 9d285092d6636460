"""Following the origin's journal: what it names is gone before the next answer."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Callable

import pytest

from config.topology import Address, OriginNode, Route
from tests.edge.conftest import (
    BLOCK,
    Edge,
    Origin,
    Plan,
    eventually,
    says,
)
from tests.edge.journal import Journal as Journal

FILM = random.Random(31).randbytes(2 * BLOCK)
KEY = "films/a.mp4"
PATH = f"/{KEY}"
OTHER = "/films/b.mp4"
CONTENT = f"/v1/content/{KEY}"


def purge_of(order: str, **what: object) -> dict[str, object]:
    nothing: dict[str, object] = {"keys": [], "prefixes": [], "tags": [], "all": False}
    detail = {"order": order, **nothing, "soft": False, "refresh_per_second": 1000.0, **what}
    return {"kind": "purge", "detail": detail}


@pytest.fixture(autouse=True)
def _retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.feed._RETRY_SECONDS", 0.01)


@pytest.fixture
def journal(origin: Origin) -> Journal:
    """The origin keeps a journal."""
    return Journal(origin)


@pytest.fixture
def plan(plan: Plan, journal: Journal) -> Plan:
    """An edge of a topology with an origin of ours."""
    origin = plan.origin
    plan.origins = (OriginNode("o", Address("127.0.0.1", 1), "/nowhere", url=origin.url),)
    plan.routes = (Route("/"),)
    origin.put(CONTENT, FILM)
    origin.put("/v1/content/films/b.mp4", FILM)
    return plan


def content_asked(origin: Origin) -> int:
    return sum(asked.target.startswith("/v1/content/") for asked in origin.asked)


async def caught_up(journal: Journal) -> None:
    await eventually(lambda: journal.asked_after[-1:] == [journal.last], "the edge has caught up")


async def test_what_the_journal_names_is_gone_before_the_next_answer(
    edge: Edge, journal: Journal
) -> None:
    client = await edge.client()
    for content in (FILM[:100], FILM[100:300], FILM[:7]):
        edge.origin.put(CONTENT, content)
        journal.add("films/other", KEY)
        await caught_up(journal)
        assert (await client.ask(PATH)).body == content
        assert "hit" in (await client.ask(PATH)).fields["cache-status"]
        assert "hit" in (await client.ask(PATH)).fields["cache-status"]


async def test_what_was_fetched_before_its_publication_was_heard_of_stays(
    edge: Edge, journal: Journal
) -> None:
    client = await edge.client()
    etag = (await client.ask(PATH)).fields["etag"]
    journal.published[KEY] = etag
    journal.add(KEY)
    await caught_up(journal)
    assert "hit" in (await client.ask(PATH)).fields["cache-status"]
    journal.published[KEY] = '"another"'
    journal.add(KEY)
    await caught_up(journal)
    assert "detail=purged" in (await client.ask(PATH)).fields["cache-status"]


async def test_a_deleted_object_is_a_404_at_once(edge: Edge, journal: Journal) -> None:
    client = await edge.client()
    assert (await client.ask(PATH)).body == FILM
    del edge.origin.things[CONTENT]
    journal.add(KEY)
    await caught_up(journal)
    assert (await client.ask(PATH)).status == 404


async def test_an_edge_that_was_away_replays_before_it_serves(plan: Plan, journal: Journal) -> None:
    async with plan.start() as edge:
        await (await edge.client()).ask(PATH)
        await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
        journal.add("films/x")
        await caught_up(journal)
        await eventually(lambda: place(plan) == 1, "the place is kept")
    asked = content_asked(plan.origin)
    plan.origin.put(CONTENT, FILM[::-1])
    journal.add("films/y", KEY)
    journal.asked_after.clear()
    async with plan.start() as edge:
        assert journal.asked_after[0] == 1
        assert (await (await edge.client()).ask(PATH)).body == FILM[::-1]
    assert content_asked(plan.origin) > asked


async def test_an_edge_that_missed_nothing_starts_warm(plan: Plan, journal: Journal) -> None:
    journal.add("films/x")
    async with plan.start() as edge:
        await (await edge.client()).ask(PATH)
        await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
        await eventually(lambda: place(plan) == 1, "the place is kept")
    asked = content_asked(plan.origin)
    async with plan.start() as edge:
        answer = await (await edge.client()).ask(PATH)
        assert answer.body == FILM
        assert answer.fields["cache-status"].startswith("edge-1; hit")
    assert content_asked(plan.origin) == asked


def place(plan: Plan) -> int:
    path = plan.cache / "feed-o.json"
    return int(json.loads(path.read_text())["sequence"]) if path.exists() else -1


async def revalidates(edge: Edge, path: str = PATH) -> None:
    client = await edge.client()
    asked = content_asked(edge.origin)
    answer = await client.ask(path)
    assert answer.body == FILM
    assert "fwd=stale; fwd-status=304" in answer.fields["cache-status"]
    assert content_asked(edge.origin) == asked + 1


async def is_trusted(edge: Edge, path: str = PATH) -> None:
    client = await edge.client()
    asked = content_asked(edge.origin)
    assert (await client.ask(path)).fields["cache-status"].startswith("edge-1; hit")
    assert content_asked(edge.origin) == asked


LIFETIMES = [
    ("Cache-Control: max-age=3600",),
    ("Cache-Control: max-age=3600, stale-while-revalidate=9999",),
]


@pytest.mark.parametrize("lines", LIFETIMES, ids=["plain", "stale-while-revalidate"])
async def test_another_journal_is_noticed_and_nothing_is_trusted_unasked(
    edge: Edge, journal: Journal, lines: tuple[str, ...]
) -> None:
    edge.origin.put(CONTENT, FILM, lines=lines)
    client = await edge.client()
    journal.add("a", "b", "c")
    await client.ask(PATH)
    await client.ask(PATH)
    await caught_up(journal)
    await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
    journal.changes[:] = ["z"]
    journal.add()
    await caught_up(journal)
    await revalidates(edge)
    assert "hit" in (await client.ask(PATH)).fields["cache-status"]


async def test_a_restored_journal_means_asking_before_anything_is_served(
    edge: Edge, journal: Journal
) -> None:
    client = await edge.client()
    await client.ask(PATH)
    await caught_up(journal)
    await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
    journal.add({"kind": "restored", "detail": {}})
    await caught_up(journal)
    await revalidates(edge)
    assert "hit" in (await client.ask(PATH)).fields["cache-status"]


@pytest.mark.parametrize(
    "broken",
    [
        says("500 No", b""),
        says("200 OK", b"nonsense", "Content-Type: application/json"),
        says("200 OK", b"[]", "Content-Type: application/json"),
        says("200 OK", b'{"changes": [{}], "last": 1}', "Content-Type: application/json"),
    ],
    ids=["500", "nonsense", "list", "no-key"],
)
async def test_a_lost_feed_means_asking_until_it_is_back(
    edge: Edge, journal: Journal, broken: Callable[..., object]
) -> None:
    client = await edge.client()
    await client.ask(PATH)
    await client.ask(PATH)
    await caught_up(journal)
    await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
    edge.origin.scripts["/v1/changes"] = broken  # type: ignore[assignment]
    journal.add("films/x")
    await eventually(lambda: not edge.worker.holdings.trust.is_heard, "nothing is trusted")
    await revalidates(edge)
    await revalidates(edge)
    edge.origin.scripts["/v1/changes"] = journal.serve
    journal.asked_after.clear()
    await caught_up(journal)
    await is_trusted(edge)


async def test_a_start_without_its_origin_serves_what_it_holds_after_asking(
    plan: Plan, journal: Journal
) -> None:
    async with plan.start() as edge:
        await (await edge.client()).ask(PATH)
        await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
    plan.origin.scripts["/v1/changes"] = says("503 No", b"")
    async with plan.start() as edge:
        await revalidates(edge)


async def test_more_than_a_page_of_changes_is_read_to_the_end(plan: Plan, journal: Journal) -> None:
    journal.add(*(f"k/{number}" for number in range(2500)))
    async with plan.start():
        assert journal.asked_after[:3] == [0, 1000, 2000]


async def test_a_place_that_cannot_be_kept_does_not_end_the_following(
    plan: Plan, journal: Journal
) -> None:
    (plan.cache / "feed-o.aside").mkdir(parents=True)
    async with plan.start() as edge:
        client = await edge.client()
        for content in (FILM[:50], FILM[:60]):
            edge.origin.put(CONTENT, content)
            journal.add(KEY)
            await caught_up(journal)
            assert (await client.ask(PATH)).body == content


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"sequence": "x"}'])
async def test_an_unreadable_place_means_reading_the_journal_from_its_start(
    plan: Plan, journal: Journal, text: str
) -> None:
    plan.cache.mkdir()
    (plan.cache / "feed-o.json").write_text(text)
    journal.add("a", "b")
    async with plan.start():
        assert journal.asked_after[0] == 0


async def test_an_order_is_obeyed_and_acknowledged_once(edge: Edge, journal: Journal) -> None:
    client = await edge.client()
    for path in (PATH, f"{PATH}?sub=1"):
        edge.origin.put(CONTENT, FILM)
        await client.ask(path)
        assert "hit" in (await client.ask(path)).fields["cache-status"]
    journal.add(purge_of("x", keys=[KEY]), purge_of("x", keys=[KEY]), purge_of("y", keys=["b"]))
    await caught_up(journal)
    await eventually(lambda: len(journal.said) >= 2, "the receipts have come")
    assert {(said["order"], said["state"]) for said in journal.said} == {
        ("x", "done"),
        ("y", "done"),
    }
    assert journal.names == {"edge-1"} == {said["edge"] for said in journal.said}
    for path in (PATH, f"{PATH}?sub=1"):
        assert "detail=purged" in (await client.ask(path)).fields["cache-status"]


async def test_an_edge_not_known_by_name_follows_all_the_same(plan: Plan, journal: Journal) -> None:
    journal.forbids = True
    async with plan.start() as edge:
        client = await edge.client()
        await client.ask(PATH)
        journal.add(purge_of("x", all=True))
        await caught_up(journal)
        assert "detail=purged" in (await client.ask(PATH)).fields["cache-status"]
        assert journal.names == {"edge-1", None}


async def test_an_order_that_is_not_understood_is_said_to_have_failed(
    edge: Edge, journal: Journal
) -> None:
    client = await edge.client()
    await client.ask(PATH)
    await client.ask(PATH)
    await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
    journal.add({"kind": "purge", "detail": {"order": "x", "keys": "films"}})
    await eventually(lambda: bool(journal.said), "the receipt has come")
    assert [(said["order"], said["state"]) for said in journal.said] == [("x", "failed")]
    await revalidates(edge)


async def test_a_crash_after_a_purge_brings_nothing_back(plan: Plan, journal: Journal) -> None:
    async with plan.start() as edge:
        await (await edge.client()).ask(PATH)
        await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
        await caught_up(journal)
        at_rest = plan.cache.parent / "as-a-crash-leaves-it"
        shutil.copytree(plan.cache, at_rest)
        held_up = threading.Event()
        for disk in edge.worker.holdings.disks:
            # What is to be written or unlinked from now on waits, as it would on a slow disk.
            disk.threads.submit(held_up.wait)
            disk.threads.submit(held_up.wait)
        journal.add(purge_of("x", all=True))
        await eventually(lambda: bool(journal.said), "the receipt has come")
        assert place(plan) <= 0
        held_up.set()
        await eventually(lambda: place(plan) == 1, "the place is kept")
    plan.cache = at_rest
    async with plan.start() as edge:
        answer = await (await edge.client()).ask(PATH)
        assert "detail=purged" in answer.fields["cache-status"]


@pytest.mark.parametrize("lines", LIFETIMES, ids=["plain", "stale-while-revalidate"])
async def test_a_soft_purge_is_served_stale_and_refreshed_unasked(
    edge: Edge, journal: Journal, lines: tuple[str, ...]
) -> None:
    edge.origin.put(CONTENT, FILM, lines=lines)
    client = await edge.client()
    await client.ask(PATH)
    await client.ask(PATH)
    await eventually(lambda: edge.worker.holdings.held_blocks == 2, "all is held")
    asked = content_asked(edge.origin)
    edge.origin.put(CONTENT, FILM[::-1], lines=lines)
    journal.add(purge_of("x", all=True, soft=True))
    await eventually(lambda: content_asked(edge.origin) > asked, "it was asked for")
    await eventually(lambda: bool(journal.said), "the receipt has come")
    entries = edge.worker.holdings.entries
    await eventually(
        lambda: entries[PATH.encode()].head.freshness.lifetime_seconds == 3600, "it is fresh"
    )
    assert (await client.ask(PATH)).body == FILM[::-1]
