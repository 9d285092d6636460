"""Titles are saved side by side, only where they differ, and again when the origin is away."""

from __future__ import annotations

import httpx
import pytest

from scripts.cli.errors import FailedError
from scripts.ingest_client.saving import ATTEMPTS, Outcome, Saver
from scripts.ingest_client.titles import ListedTitle
from tests.scripts.ingest_client.title_store import TitleStore


@pytest.fixture
def store() -> TitleStore:
    return TitleStore()


def saver(store: TitleStore, pauses: list[float] | None = None) -> Saver:
    client = httpx.Client(base_url="http://o", transport=httpx.MockTransport(store.answer))
    pause = (lambda _: None) if pauses is None else pauses.append
    return Saver(client, pause)


def test_only_what_differs_is_sent(store: TitleStore) -> None:
    titles = [ListedTitle(f"t{number:03}", {"title": "A", "year": 1}) for number in range(250)]
    told: list[int] = []
    assert saver(store).save_all(titles, 4, told.append) == {Outcome.NEW: 250}
    assert sum(told) == 250
    store.titles["t007"] |= {"media": "films/7.mp4", "year": 2}
    again = saver(store)
    assert again.look() == 250
    store.asked.clear()
    outcomes = again.save_all(titles, 4, told.append)
    assert outcomes == {Outcome.CHANGED: 1, Outcome.UNCHANGED: 249}
    assert store.asked == ["PATCH /v1/titles/t007"]
    assert store.titles["t007"] == {"title": "A", "year": 1, "media": "films/7.mp4"}


def test_origin_that_is_away_is_asked_again(store: TitleStore) -> None:
    pauses: list[float] = []
    store.failures = [503, 502]
    assert saver(store, pauses).save(ListedTitle("a", {"title": "A"})) is Outcome.NEW
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(("failures", "asked"), [([403], 1), ([503] * ATTEMPTS, ATTEMPTS)])
def test_refusal_ends_it(store: TitleStore, failures: list[int], asked: int) -> None:
    store.failures = failures
    with pytest.raises(FailedError, match="not now"):
        saver(store).save_all([ListedTitle("a", {"title": "A"})], 1, lambda _: None)
    assert len(store.asked) == asked
