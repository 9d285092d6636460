"""The observer's book."""

from __future__ import annotations

from tests.faults.scenario.ledger import Film, Ledger


def test_a_version_is_found_by_its_entity_tag() -> None:
    film = Film("/a")
    version = film.begin(b"content", 1.0)
    assert film.find(f'"7-{version.tag}"') is version
    assert film.find('"7-0000"') is None
    assert film.find("") is None


def test_a_version_is_replaced_when_a_later_one_is_known() -> None:
    film = Film("/a")
    first, lost, third = (film.begin(each, at) for at, each in enumerate((b"1", b"2", b"3")))
    first.known_at = 1.0
    assert film.replaced_at(first) is None
    third.known_at = 5.0
    assert film.replaced_at(first) == film.replaced_at(lost) == 5.0
    assert film.replaced_at(third) is None
    assert film.latest_known() is third


def test_a_floor_counts_for_who_asks_after_it() -> None:
    ledger = Ledger()
    ledger.raise_floor("edge-a", "/a", 2.0, 4)
    ledger.raise_floor("edge-a", "/a", 3.0, 3)
    assert ledger.floor("edge-a", "/a", 2.0) == 0
    assert ledger.floor("edge-a", "/a", 2.5) == 4
    assert ledger.floor("edge-a", "/a", 9.0) == 4
    assert ledger.floor("edge-b", "/a", 9.0) == ledger.floor("edge-a", "/b", 9.0) == 0
