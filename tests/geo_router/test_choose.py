"""Which edges are named, rung by rung, and what stays put when edges come and go."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from config.topology import EdgeNode
from geo_router.choose import Chooser, Decision, Resort, Rung, edge_url
from geo_router.fleet import SERVING, Fleet, Observation, Result, State
from geo_router.place import Place, Source
from tests.geo_router.plain_choice import PlainChoice
from tests.geo_router.worlds import (
    BUSY,
    DRAINING,
    FAILED,
    READY,
    SITES,
    TIMED_OUT,
    edge,
    edges_of,
    fleet_of,
    take_down,
)

BERLIN = Place(Source.DATABASE, "x", coordinates=(52.5, 13.4))
KEYS = [f"/films/{number}.mp4" for number in range(400)]


def world(**sites: int) -> tuple[list[EdgeNode], Fleet, Chooser]:
    edges = edges_of(sites)
    fleet = fleet_of(edges)
    return edges, fleet, Chooser(SITES, edges, fleet)


def first(decision: Decision) -> tuple[str, Rung]:
    return decision.candidates[0].edge, decision.rung


def silence(fleet: Fleet, *names: str) -> None:
    for name in names:
        fleet.observe(name, TIMED_OUT, 2.0)
        fleet.observe(name, TIMED_OUT, 3.0)


def test_slow_edges_are_last_but_not_out_and_resorts_come_after_them() -> None:
    edges = edges_of({"fra": 1, "ams": 1})
    fleet = fleet_of(edges)
    resorts = [
        Resort("shield", "http://s", Rung.SHIELD),
        Resort("origin", "http://o", Rung.ORIGIN),
    ]
    chooser = Chooser(SITES, edges, fleet, resorts=resorts)
    silence(fleet, "fra-0")
    assert first(chooser.choose(BERLIN, "/a")) == ("ams-0", Rung.NEAREST_HEALTHY)
    silence(fleet, "ams-0")
    ranked = chooser.choose(BERLIN, "/a", 10)
    assert [(c.edge, c.rung) for c in ranked.candidates] == [
        ("fra-0", Rung.SLOW),
        ("ams-0", Rung.SLOW),
        ("shield", Rung.SHIELD),
        ("origin", Rung.ORIGIN),
    ]
    take_down(fleet, "fra-0", "ams-0")
    assert first(chooser.choose(BERLIN, "/a")) == ("shield", Rung.SHIELD)
    picked = chooser.pick(chooser.order(BERLIN), b"/a")
    assert picked is not None
    assert (picked.edge, picked.rung) == ("shield", Rung.SHIELD)


def test_a_last_resort_that_is_down_or_draining_is_passed_over_and_told() -> None:
    edges = edges_of({"fra": 1})
    fleet = fleet_of(edges)
    resorts = [Resort(f"shield-{n}", f"http://s{n}", Rung.SHIELD) for n in range(3)]
    believed = fleet_of([edge(resort.name, "") for resort in resorts])
    chooser = Chooser(SITES, edges, fleet, resorts=resorts, resort_fleet=believed)
    take_down(fleet, "fra-0")
    take_down(believed, "shield-0")
    believed.observe("shield-1", DRAINING, 2.0)
    assert first(chooser.choose(BERLIN, "/a")) == ("shield-2", Rung.SHIELD)
    picked = chooser.pick(chooser.order(BERLIN), b"/a")
    assert picked is not None
    assert picked.edge == "shield-2"
    explained = chooser.explain(BERLIN, "/a")
    assert [(p.edge, p.reason) for p in explained.passed_over if not p.site] == [
        ("shield-0", "down: cannot connect"),
        ("shield-1", "draining: says it is draining"),
    ]
    take_down(believed, "shield-2")
    assert chooser.choose(BERLIN, "/a").rung is Rung.NONE
    assert chooser.pick(chooser.order(BERLIN), b"/a") is None


def test_an_edge_that_says_its_answers_fail_comes_after_others_and_says_why() -> None:
    edges = edges_of({"fra": 1, "ams": 1})
    fleet = fleet_of(edges)
    chooser = Chooser(SITES, edges, fleet)
    ailing = Observation(Result.ANSWERED, "ready", 0.001, load=0.1, failing=0.6)
    fleet.observe("fra-0", ailing, 2.0)
    named = chooser.choose(BERLIN, "/a", 2).candidates
    assert [(c.edge, c.rung) for c in named] == [
        ("fra-0", Rung.OVERLOADED_IN_SITE),
        ("ams-0", Rung.NEAREST_HEALTHY),
    ]
    assert named[0].reasons[-1] == "up, overloaded (60% of its answers fail)"
    fleet.observe("fra-0", BUSY, 3.0)
    assert chooser.choose(BERLIN, "/a").candidates[0].reasons[-1] == "up, overloaded (load 1.20)"


def test_an_edge_that_comes_back_takes_load_along_its_slow_start() -> None:
    edges = edges_of({"fra": 4})
    fleet = fleet_of(edges)
    chooser = Chooser(SITES, edges, fleet, slow_start_seconds=100.0)
    keys = [f"/{number}" for number in range(4000)]

    def share(now: float) -> float:
        chooser.tick(now)
        named = Counter(first(chooser.choose(BERLIN, key))[0] for key in keys)
        return named["fra-0"] / len(keys)

    whole = share(1.0)
    take_down(fleet, "fra-0")
    assert share(4.0) == 0.0
    for moment in (10.0, 11.0, 12.0):
        fleet.observe("fra-0", READY, moment)
    curve = [share(12.0 + seconds) for seconds in (0, 25, 50, 75, 100, 200)]
    for seconds, seen in zip((5, 25, 50, 75, 100), curve, strict=False):
        weight = seconds / 100
        assert abs(seen - weight / (3 + weight)) < 0.025
    assert curve == sorted(curve)
    assert curve[-2] == curve[-1] == whole
    assert "warming up" not in chooser.choose(BERLIN, "/a").candidates[0].reasons[-1]


def test_an_edge_at_its_capacity_comes_after_the_others_of_its_site() -> None:
    edges = [
        dataclasses.replace(edge("a", "fra", 1), capacity_per_second=1.0),
        edge("b", "fra", 2),
        edge("c", "nyc", 3),
    ]
    chooser = Chooser(SITES, edges, fleet_of(edges))
    key = next(key for key in KEYS if first(chooser.choose(BERLIN, key))[0] == "a")
    for _ in range(200):
        chooser.count("fra", key.encode(), "a")
    ranked = chooser.choose(BERLIN, key, 10).candidates
    assert [(c.edge, c.rung) for c in ranked] == [
        ("b", Rung.HEALTHY_IN_SITE),
        ("a", Rung.OVERLOADED_IN_SITE),
        ("c", Rung.FALLBACK_SITE),
    ]
    chooser.tick(600.0)
    assert first(chooser.choose(BERLIN, key)) == ("a", Rung.HEALTHY_IN_SITE)


def test_sites_that_may_not_serve_a_country_are_left_out() -> None:
    sites = [dataclasses.replace(SITES[0], countries=("DE", "at")), *SITES[1:]]
    edges = edges_of({"fra": 1, "ams": 1})
    chooser = Chooser(sites, edges, fleet_of(edges))

    def home(country: str, site: str = "") -> str:
        point = None if site else (50.0, 8.7)
        place = Place(Source.DATABASE, coordinates=point, country=country, site=site)
        return first(chooser.choose(place, "/a"))[0]

    assert [home("DE"), home("AT"), home("FR"), home("")] == ["fra-0", "fra-0", "ams-0", "ams-0"]
    assert home("", site="fra") == "fra-0"
    french = Place(Source.DATABASE, coordinates=(50.0, 8.7), country="FR")
    (passed,) = chooser.explain(french, "/a").passed_over
    assert passed.reason == "its site does not serve viewers from FR"


def test_the_ladder_is_walked_down_rung_by_rung() -> None:
    _, fleet, chooser = world(fra=1, ams=1, nyc=1, sgp=1)
    seen = [first(chooser.choose(BERLIN, "/a"))]
    fleet.observe("fra-0", BUSY, 2.0)
    seen.append(first(chooser.choose(BERLIN, "/a")))
    take_down(fleet, "fra-0")
    seen.append(first(chooser.choose(BERLIN, "/a")))
    take_down(fleet, "nyc-0")
    seen.append(first(chooser.choose(BERLIN, "/a")))
    fleet.observe("ams-0", BUSY, 4.0)
    fleet.observe("sgp-0", BUSY, 4.0)
    seen.append(first(chooser.choose(BERLIN, "/a")))
    take_down(fleet, "ams-0", "sgp-0")
    fleet.observe("nyc-0", READY, 5.0)
    seen.append(first(chooser.choose(BERLIN, "/a")))
    take_down(fleet, "nyc-0")
    assert seen == [
        ("fra-0", Rung.HEALTHY_IN_SITE),
        ("fra-0", Rung.OVERLOADED_IN_SITE),
        ("nyc-0", Rung.FALLBACK_SITE),
        ("ams-0", Rung.NEAREST_HEALTHY),
        ("ams-0", Rung.OVERLOADED_ELSEWHERE),
        ("nyc-0", Rung.RECOVERING),
    ]
    assert chooser.choose(BERLIN, "/a").rung is Rung.NONE


def test_edges_killed_one_by_one_leave_an_answer_until_the_last() -> None:
    edges, fleet, chooser = world(fra=3, ams=2, nyc=2, sgp=1)
    for left in range(len(edges), 0, -1):
        decision = chooser.choose(BERLIN, "/a", limit=100)
        assert len(decision.candidates) == left
        take_down(fleet, decision.candidates[0].edge)
    assert chooser.choose(BERLIN, "/a").candidates == ()


def test_one_lost_probe_changes_no_answer() -> None:
    edges, fleet, chooser = world(fra=3, ams=2)
    before = [first(chooser.choose(BERLIN, key)) for key in KEYS]
    for node in edges:
        fleet.observe(node.name, FAILED, 2.0)
        assert fleet[node.name].state is State.SUSPECT
    assert [first(chooser.choose(BERLIN, key)) for key in KEYS] == before


def test_a_draining_edge_is_named_no_more() -> None:
    _, fleet, chooser = world(fra=2)
    fleet.observe("fra-0", DRAINING, 2.0)
    assert {first(chooser.choose(BERLIN, key))[0] for key in KEYS} == {"fra-1"}


def test_removing_an_edge_moves_its_keys_only_and_bringing_it_back_restores_them() -> None:
    _, fleet, chooser = world(fra=5)
    before = {key: first(chooser.choose(BERLIN, key))[0] for key in KEYS}
    take_down(fleet, "fra-2")
    without = {key: first(chooser.choose(BERLIN, key))[0] for key in KEYS}
    assert all(without[key] == owner for key, owner in before.items() if owner != "fra-2")
    assert "fra-2" not in without.values()
    for moment in range(3):
        fleet.observe("fra-2", READY, 4.0 + moment)
    assert {key: first(chooser.choose(BERLIN, key))[0] for key in KEYS} == before


def test_weights_share_the_keys_of_a_site() -> None:
    edges = [edge("big", "fra", 1, 3.0), edge("small", "fra", 2, 1.0), edge("off", "fra", 3, 0.0)]
    chooser = Chooser(SITES, edges, fleet_of(edges))
    counts = Counter(first(chooser.choose(BERLIN, f"/{i}"))[0] for i in range(4000))
    assert 0.70 < counts["big"] / 4000 < 0.80
    assert counts["off"] == 0


_observations = st.sampled_from([READY, BUSY, FAILED, TIMED_OUT, DRAINING])


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 7), _observations), max_size=60),
    st.tuples(st.floats(-80, 80), st.floats(-180, 180)),
    st.sampled_from(KEYS),
)
def test_no_edge_that_is_down_is_named_and_healthy_ones_come_first(
    history: list[tuple[int, object]], point: tuple[float, float], key: str
) -> None:
    edges, fleet, chooser = world(fra=3, ams=2, nyc=2, sgp=1)
    for moment, (index, seen) in enumerate(history):
        fleet.observe(edges[index].name, seen, float(moment))  # type: ignore[arg-type]
    place = Place(Source.DATABASE, coordinates=point)
    ranked = chooser.choose(place, key, limit=100).candidates
    usable = {
        name: health
        for name, health in fleet.items()
        if health.state in SERVING or health.state in (State.RECOVERING, State.SLOW)
    }
    assert {candidate.edge for candidate in ranked} == set(usable)
    assert len(ranked) == len(usable)
    if any(h.state in SERVING and not h.overloaded for h in usable.values()):
        best = usable[ranked[0].edge]
        assert best.state in SERVING
        if best.overloaded:
            assert ranked[0].rung is Rung.OVERLOADED_IN_SITE
    assert chooser.choose(place, key).candidates == ranked[:1]
    picked = chooser.pick(chooser.order(place), key.encode())
    assert (picked and picked.edge) == (ranked[0].edge if ranked else None)
    explained = chooser.explain(place, key)
    assert explained.candidates == ranked
    assert len(explained.passed_over) + len(ranked) == len(edges)


_actions = st.one_of(
    st.tuples(st.just("seen"), st.integers(0, 7), _observations),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 3.0, 40.0]), st.none()),
    st.tuples(st.just("sent"), st.sampled_from(KEYS[:3]), st.sampled_from([1, 30, 300])),
)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(_actions, max_size=25),
    st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.5]), min_size=8, max_size=8),
    st.lists(st.sampled_from([0.0, 0.0, 2.0]), min_size=8, max_size=8),
    st.sampled_from([(50.0, 8.0), (41.0, -73.0), (0.0, 100.0)]),
)
def test_what_is_remembered_changes_no_choice(
    actions: list[tuple[str, Any, Any]],
    weights: list[float],
    capacities: list[float],
    point: tuple[float, float],
) -> None:
    plain_edges = edges_of({"fra": 4, "ams": 2, "nyc": 2})
    edges = [
        dataclasses.replace(node, weight=weight, capacity_per_second=capacity)
        for node, weight, capacity in zip(plain_edges, weights, capacities, strict=True)
    ]
    fleet = fleet_of(edges)
    chooser = Chooser(SITES, edges, fleet, slow_start_seconds=30.0)
    place, now, ticked = Place(Source.DATABASE, coordinates=point), 2.0, 0.0
    for what, subject, detail in [*actions, ("end", 0, None)]:
        plain = PlainChoice(chooser, edges, 30.0, ticked)
        for key in KEYS[:3]:
            expected = plain.candidates(place, key)
            for limit in (1, 3, 100):
                assert chooser.choose(place, key, limit).candidates == expected[:limit]
            assert chooser.explain(place, key).candidates == expected
            picked = chooser.pick(chooser.order(place), key.encode())
            assert (picked and (picked.edge, picked.rung)) == (
                (expected[0].edge, expected[0].rung) if expected else None
            )
        if what == "seen":
            fleet.observe(edges[subject].name, detail, now)
        elif what == "pass":
            now += subject
            ticked = now
            chooser.tick(now)
        elif what == "sent":
            for _ in range(detail):
                chooser.take(chooser.order(place), subject.encode())


def test_an_edge_that_warms_up_is_whole_again_after_a_late_tick() -> None:
    edges = edges_of({"fra": 2})
    fleet = fleet_of(edges)
    chooser = Chooser(SITES, edges, fleet, slow_start_seconds=20.0)
    take_down(fleet, "fra-0")
    for moment in (10.0, 11.0, 12.0):
        fleet.observe("fra-0", READY, moment)
    chooser.tick(13.0)
    keys = [key for key in KEYS if first(chooser.choose(BERLIN, key))[0] == "fra-0"]
    assert len(keys) < 50
    chooser.tick(500.0)
    keys = [key for key in KEYS if first(chooser.choose(BERLIN, key))[0] == "fra-0"]
    assert 150 < len(keys) < 250
    assert chooser.choose(BERLIN, keys[0]).candidates[0].reasons[-1] == "up"


def test_every_candidate_tells_its_reasons() -> None:
    _, fleet, chooser = world(fra=2, nyc=1)
    take_down(fleet, "fra-1")
    decision = chooser.explain(BERLIN, "/a")
    assert [c.reasons[0] for c in decision.candidates] == [
        "home site of the viewer",
        "in the fallback list of the home site",
    ]
    assert decision.candidates[0].reasons[1:] == ("place 1 in fra for this path", "up")
    assert 400 < (decision.candidates[0].distance_km or 0) < 450
    (passed,) = decision.passed_over
    assert (passed.edge, passed.reason) == ("fra-1", "down: cannot connect")


def test_an_edge_without_weight_is_passed_over_by_name() -> None:
    edges = [edge("a", "fra"), edge("b", "fra", 9001, 0.0)]
    decision = Chooser(SITES, edges, fleet_of(edges)).explain(BERLIN, "/a")
    assert [(p.edge, p.reason) for p in decision.passed_over] == [("b", "its weight is 0")]


def test_an_edge_is_reached_by_its_url_or_else_where_it_listens() -> None:
    plain = edge("a", "fra", 9001)
    assert edge_url(plain) == "http://127.0.0.1:9001"
    named = EdgeNode("b", "fra", plain.listen, (), url="https://b.example/cdn/")
    chooser = Chooser(SITES, [named], fleet_of([named]))
    assert chooser.url("b") == "https://b.example/cdn"
    assert chooser.edge("b") is named
