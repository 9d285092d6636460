"""Claims about judgements over running processes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scripts.doctor.checks_running import CHECKS
from scripts.doctor.facts import Facts, Machine
from scripts.doctor.findings import Finding
from scripts.overview.figures import Figures
from scripts.overview.looking import Seen
from tests.scripts.overview.seen import DIGEST, EDGE, edge, router

Sample = tuple[str, dict[str, str], float]
BUILD: Sample = ("cinedge_build_info", {"version": "1"}, 1.0)


def findings(*seen: Seen, **said: Any) -> list[Finding]:
    facts = Facts("t.yaml", digest=DIGEST, machine=Machine(version="1"), seen=seen, **said)
    return [finding for check in CHECKS for finding in check(facts)]


def test_processes_that_are_well_draw_nothing() -> None:
    assert findings(edge(), router(e1="up"), asked={"e1": 404}) == []


def test_where_nothing_runs_that_alone_is_said() -> None:
    (finding,) = findings(Seen(EDGE, "http://e1", error="refused"))
    assert finding.what == "no process of this topology answers"


@pytest.mark.parametrize(
    ("seen", "what", "mend"),
    [
        (Seen(EDGE, "http://e1", error="refused"), "does not answer", "diagnostics"),
        (edge(load=2.0), "is full", "cinedge capacity"),
        (edge(topology="x"), "goes by another topology", "SIGHUP"),
        (edge(status="failing", checks={"disk": "full"}), "disk: full", "the check says"),
    ],
)
def test_what_status_calls_a_trouble_comes_with_advice(seen: Seen, what: str, mend: str) -> None:
    (finding,) = findings(seen, router(e1="up"))
    assert finding.check == "processes"
    assert finding.what.startswith(what)
    assert mend in finding.mend
    assert finding.grave


def test_an_edge_that_a_router_cannot_reach_is_found() -> None:
    found = findings(edge(), router(e1="down"))
    assert [each.what for each in found] == [
        "router r1 sends nobody: down, why",
        "has no edge to send viewers to",
    ]


@pytest.mark.parametrize(("ahead", "what"), [(5.0, "5 s ahead of"), (-90.0, "90 s behind")])
def test_a_clock_that_is_off_is_found(ahead: float, what: str) -> None:
    (finding,) = findings(replace(edge(), ahead_seconds=ahead))
    assert finding.check == "clocks"
    assert what in finding.what
    assert findings(replace(edge(), ahead_seconds=ahead / 100)) == []


def test_several_versions_and_one_that_is_not_installed_are_advice() -> None:
    other = replace(
        router(e1="up"), figures=Figures((("cinedge_build_info", {"version": "2"}, 1),))
    )
    found = [each for each in findings(edge(), other) if each.check == "versions"]
    assert [each.what for each in found] == ["several versions run (1: e1; 2: r1)"]
    (alone,) = findings(other)
    assert alone.what == "run 2, installed here is 1"
    assert not any(each.grave for each in (*found, alone))


@pytest.mark.parametrize(("status", "said"), [(502, "502"), (504, "504"), (None, "nothing")])
def test_an_edge_that_reaches_no_origin_is_found(status: int | None, said: str) -> None:
    (finding,) = findings(edge(), asked={"e1": status})
    assert (finding.check, finding.grave) == ("upstreams", True)
    assert f"answered {said}" in finding.what


@pytest.mark.parametrize("status", [404, 403, 200])
def test_an_edge_that_passes_an_answer_on_reaches_one(status: int) -> None:
    assert findings(edge(), asked={"e1": status}) == []


def test_a_process_with_its_files_nearly_used_up_is_found() -> None:
    def holding(count: float) -> Seen:
        most: Sample = ("process_max_fds", {}, 100.0)
        return replace(edge(), figures=Figures((most, ("process_open_fds", {}, count), BUILD)))

    (finding,) = findings(holding(81))
    assert finding.what == "has 81 of 100 open"
    assert findings(holding(80)) == []
