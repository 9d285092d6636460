"""What the judge says of answers: right ones pass, each kind of wrong one is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.scenario.judging import Judge, Read
from tests.faults.scenario.ledger import Film, Ledger, Version
from tests.faults.scenario.plan import Expectations, Fault, Kind
from tests.faults.scenario.troubles import Troubles

OLD, NEW = bytes(range(200)), bytes(reversed(range(250)))
EXPECT = Expectations(lag_seconds=2.0, recover_seconds=1.0, out_seconds=3.0)


@pytest.fixture
def film() -> Film:
    """A film whose second version has been known since 10 s."""
    made = Film("/a")
    made.begin(OLD, 0.0).known_at = 1.0
    made.begin(NEW, 9.0).known_at = 10.0
    return made


@pytest.fixture
def judge(film: Film) -> Judge:
    ledger = Ledger()
    ledger.add(film)
    return Judge(ledger, Troubles(), EXPECT, peers=False)


def part(version: Version, start: int, stop: int, at: float = 10.5, server: str = "edge-a") -> Read:
    """A right answer."""
    stop = min(stop, version.size_bytes)
    return Read(
        server=server,
        path="/a",
        asked_at=at,
        answered_at=at + 0.1,
        status=206,
        start=start,
        stop=stop,
        fields={
            "etag": f'"3-{version.tag}"',
            "content-range": f"bytes {start}-{stop - 1}/{version.size_bytes}",
        },
        body=version.content[start:stop],
    )


@given(st.integers(0, 199), st.integers(1, 100), st.sampled_from([0, 1]))
def test_right_bytes_of_a_current_version_pass(start: int, size: int, number: int) -> None:
    made = Film("/a")
    made.begin(OLD, 0.0).known_at = 1.0
    made.begin(NEW, 9.0).known_at = 10.0
    ledger = Ledger()
    ledger.add(made)
    judge = Judge(ledger, Troubles(), EXPECT, peers=False)
    assert judge.complaint(part(made.versions[number], start, start + size)) == ""


def test_the_whole_passes(judge: Judge, film: Film) -> None:
    read = part(film.versions[1], 0, 250)
    assert judge.complaint(replace(read, status=200, start=None, stop=None)) == ""


def test_each_kind_of_wrong_content_is_named(judge: Judge, film: Film) -> None:
    right = part(film.versions[1], 20, 60)
    fields = dict(right.fields or {})
    wrong = {
        "no version that was ever put": {"fields": {**fields, "etag": '"3-ffff"'}},
        "of version 1": {"body": NEW[20:40] + OLD[40:60]},
        "those of no version": {"body": NEW[20:59] + b"\xff"},
        "39 bytes came": {"body": NEW[20:59]},
        "although If-Range": {"if_range": '"1-0000"'},
        "instead of [20, 61)": {"stop": 61},
        "says 249 bytes": {"fields": {**fields, "content-range": "bytes 20-59/249"}},
        "without a Content-Range": {"fields": {"etag": fields["etag"]}},
    }
    for said, change in wrong.items():
        assert said in judge.complaint(replace(right, **change)), said  # type: ignore[arg-type]


def test_an_edge_may_be_late_and_the_origin_may_not(judge: Judge, film: Film) -> None:
    old = film.versions[0]
    assert judge.complaint(part(old, 0, 9, at=11.9)) == ""
    assert "after it was replaced" in judge.complaint(part(old, 0, 9, at=12.1))
    assert judge.complaint(part(old, 0, 9, at=9.95, server="origin")) == ""
    assert "after it was replaced" in judge.complaint(part(old, 0, 9, at=10.1, server="origin"))


def test_who_could_not_hear_need_not_know(judge: Judge, film: Film) -> None:
    judge.troubles.begin(Fault(0, Kind.STALL, "edge-a>origin"), 9.0).ended = 20.0
    assert judge.complaint(part(film.versions[0], 0, 9, at=21.9)) == ""
    assert judge.complaint(part(film.versions[0], 0, 9, at=22.1)) != ""
    assert judge.complaint(part(film.versions[0], 0, 9, at=12.1, server="edge-b")) != ""


def test_after_the_receipt_of_a_purge_nothing_older_passes(judge: Judge, film: Film) -> None:
    judge.ledger.raise_floor("edge-a", "/a", 10.2, 2)
    assert "receipt" in judge.complaint(part(film.versions[0], 0, 9, at=10.3))
    assert judge.complaint(part(film.versions[0], 0, 9, at=10.1)) == ""
    assert judge.complaint(part(film.versions[0], 0, 9, at=10.3, server="edge-b")) == ""


def test_a_version_is_not_answered_before_it_is_put(judge: Judge, film: Film) -> None:
    assert "before it was put" in judge.complaint(part(film.versions[1], 0, 9, at=8.0))


def test_a_failure_needs_an_excuse(judge: Judge, film: Film) -> None:
    for status in (0, 500, 502, 503, 504):
        failed = Read("edge-a", "/a", 5.0, 5.1, status, 0, 9, said="no")
        assert "although nothing" in judge.complaint(failed)
    judge.troubles.begin(Fault(0, Kind.KILL, "edge-a"), 4.0).ended = 4.5
    assert judge.complaint(failed) == ""
    assert judge.complaint(replace(failed, asked_at=5.6, answered_at=5.7)) != ""


def test_a_cut_answer_of_a_version_that_is_gone_needs_none(judge: Judge, film: Film) -> None:
    old, new = film.versions
    cut = Read("edge-a", "/a", 10.5, 10.6, 0, 0, 9, fields={"etag": f'"1-{old.tag}"'})
    assert judge.complaint(cut) == ""
    assert judge.complaint(replace(cut, fields={"etag": f'"2-{new.tag}"'})) != ""


def test_absence_and_refused_ranges_are_compared_with_the_book(judge: Judge) -> None:
    missing = Read("edge-a", "/a", 0.5, 0.6, 404)
    assert judge.complaint(missing) == ""
    assert "404" in judge.complaint(replace(missing, asked_at=5.0, answered_at=5.1))
    beyond = Read(
        "edge-a", "/a", 12.5, 12.6, 416, 250, 260, fields={"content-range": "bytes */250"}
    )
    assert judge.complaint(beyond) == ""
    assert "416" in judge.complaint(replace(beyond, start=249))
    assert "no version" in judge.complaint(replace(beyond, fields={"content-range": "bytes */249"}))
    old = replace(beyond, fields={"content-range": "bytes */200"})
    assert "after it was replaced" in judge.complaint(old)


def test_any_other_status_is_a_complaint(judge: Judge) -> None:
    assert "403" in judge.complaint(Read("edge-a", "/a", 1, 2, 403))


def test_a_router_may_name_a_dead_edge_for_a_while(judge: Judge) -> None:
    judge.troubles.begin(Fault(0, Kind.KILL, "edge-a"), 4.0)
    assert judge.of_naming("edge-a", 6.9, 7.0) == ""
    assert "dead" in judge.of_naming("edge-a", 7.1, 7.2)
    assert judge.of_naming("edge-b", 9.0, 9.1) == ""
    judge.troubles.begin(Fault(0, Kind.STOP, "router"), 5.0).ended = 8.0
    assert judge.of_naming("edge-a", 8.5, 8.6) == ""


def of_two(film: Film, *faults: tuple[Kind, str, float, float]) -> Judge:
    """A judge of edges with two origins."""
    ledger, troubles = Ledger(), Troubles()
    ledger.add(film)
    for kind, target, began, ended in faults:
        troubles.begin(Fault(began, kind, target), began).ended = ended
    return Judge(ledger, troubles, EXPECT, peers=False, origins=("origin", "origin-b"))


def test_one_of_two_origins_excuses_no_edge_and_both_do(film: Film) -> None:
    first = (Kind.KILL, "origin", 10.0, 12.0)
    second = (Kind.RESET, "edge-a>origin-b", 10.0, 12.0)
    failure = ("edge-a", 11.0, 11.1, "503")
    assert of_two(film, first).of_failure(*failure)
    assert of_two(film, second).of_failure(*failure)
    assert not of_two(film, first, second).of_failure(*failure)
    slow = (Kind.BANDWIDTH, "edge-a>origin", 10.0, 12.0)
    assert not of_two(film, slow).of_failure(*failure), "it is waited for"
    assert not of_two(film, first).of_failure("origin", 11.0, 11.1, "gone")
    assert of_two(film, first).of_failure("origin-b", 11.0, 11.1, "gone")


def test_the_other_of_two_origins_may_hear_of_a_change_by_looking(film: Film) -> None:
    old = film.versions[0]
    judge = of_two(film)
    assert not judge.complaint(part(old, 0, 10, at=10.0 + 3.9, server="origin-b"))
    assert judge.complaint(part(old, 0, 10, at=10.0 + 4.1, server="origin-b"))
