"""The rules reach what is known of them, on traces that lie beside this project if they do."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from cachetools import LRUCache

from edge.cache.policy.named import Rule
from scripts.simulation.replay import replay, target_of
from scripts.simulation.trace import Trace, cut, read_trace, whole

TRACES = Path(__file__).parents[4] / "shared" / "traces"
SHORT = {"movie-mini-a.csv.zst", "adaptsize-web.csv.zst"}
"""What takes seconds; CINEDGE_TEST_TRACES=all plays all, which takes a quarter of an hour."""
DAY = 86_400.0


def films(count: int = 12_000) -> list[tuple[float, str, int, int]]:
    """Titles of 32 pieces with a popularity that stays, most left early."""
    chance = random.Random(3)
    weights = [1 / (rank + 3) for rank in range(150)]
    rows: list[tuple[float, str, int, int]] = []
    while len(rows) < count:
        (title,) = chance.choices(range(150), weights)
        for piece in range(min(int(chance.expovariate(0.1)) + 1, 32)):
            rows.append((len(rows) * 8.0, str(title), 1_000, piece * 1_000))
    return rows


def test_lru_misses_what_cachetools_misses() -> None:
    rows = films()
    model: LRUCache[tuple[str, int], bool] = LRUCache(300)
    missed = 0
    for place, (_, key, _, offset) in enumerate(rows):
        missed += place >= 3_000 and (key, offset) not in model
        model[key, offset] = model.get((key, offset), True)
    outcome = replay(whole(rows, Path("t")), Rule("lru"), 300_000, 3_000 / len(rows))
    assert outcome.byte_miss_ratio == pytest.approx(missed / (len(rows) - 3_000), abs=1e-4)
    assert outcome.object_miss_ratio == outcome.byte_miss_ratio == outcome.write_ratio


def test_titles_beat_every_other_rule_on_films_and_write_a_tenth() -> None:
    trace = whole(films(), Path("t"))
    found = {
        policy: replay(trace, Rule(policy), 300_000, 0.25)
        for policy in ("fifo", "lru", "sieve", "s3fifo", "titlelfu", "duel")
    }
    best = found["duel"].byte_miss_ratio
    assert best < found["titlelfu"].byte_miss_ratio + 0.01
    assert all(best < found[each].byte_miss_ratio - 0.02 for each in ("fifo", "lru", "s3fifo"))
    assert found["duel"].write_ratio < 0.1 < found["lru"].write_ratio


def test_half_read_blocks_cost_the_origin_more_than_was_asked() -> None:
    trace = cut([(1.0, "a", 50, 0), (2.0, "a", 50, 50), (3.0, "b", 10, 0)], 100)
    outcome = replay(trace, Rule("lru"), 1_000, 0)
    assert outcome.object_miss_ratio == pytest.approx(2 / 3)
    assert outcome.byte_miss_ratio == pytest.approx(60 / 110)
    assert outcome.origin_ratio == outcome.write_ratio == pytest.approx(110 / 110)


SHARES = (("/posters/", 0.1), ("/films/", 0.5))


def mixed() -> Trace:
    """Films flood the cache; posters are few, small, and asked for now and then."""
    rows: list[tuple[float, str, int, int]] = []
    for now, title, size, offset in films():
        rows.append((now, f"/films/{title}", size, offset))
        if len(rows) % 40 == 0:
            rows.append((now, f"/posters/{len(rows) // 40 % 25}", 1_000, 0))
    return whole(rows, Path("t"))


def test_a_kind_with_a_share_is_hit_through_a_flood_of_another() -> None:
    trace = mixed()
    alone = replay(trace, Rule("lru"), 300_000, 0.25)
    shared = replay(trace, Rule("lru"), 300_000, 0.25, shares=SHARES)
    assert not alone.kinds
    other, posters, movies = shared.kinds
    assert [each.kind for each in shared.kinds] == ["other", "/posters/", "/films/"]
    assert (posters.byte_miss_ratio, posters.share_bytes, posters.held_bytes) == (0, 30_000, 25_000)
    # What posters and the rest leave unused the films fill.
    assert (movies.share_bytes, movies.held_bytes) == (150_000, 275_000)
    assert other.asked_bytes == other.held_bytes == 0
    missed = sum(each.asked_bytes * each.byte_miss_ratio for each in shared.kinds)
    asked = sum(each.asked_bytes for each in shared.kinds)
    assert missed / asked == pytest.approx(shared.byte_miss_ratio)


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("17", b"/17"),
        ("/posters/a.jpg?x=1", b"/posters/a.jpg?x=1"),
        ("/~[redacted]/posters/a.jpg", b"/posters/a.jpg"),
        ("/~[redacted]", b"/"),
        ("/a/~b", b"/a/~b"),
    ],
)
def test_kinds_are_told_apart_as_an_edge_does_without_tokens(key: str, target: bytes) -> None:
    assert target_of(key) == target


def test_how_far_it_is_is_told_to_the_last_request() -> None:
    told: list[int] = []
    trace = whole(films(25_000), Path("t"))
    replay(trace, Rule("fifo"), 1_000, 0.5, told.append)
    assert sum(told) == len(trace)


def test_a_scan_of_the_whole_catalogue_does_not_push_out_the_hot_set() -> None:
    rows = films()
    end = rows[-1][0]
    scan = [
        (end + piece, str(title), 1_000, piece * 1_000)
        for title in range(1_000, 1_600)
        for piece in range(2)
    ]
    after = [(seconds + end + 2_000, *rest) for seconds, *rest in rows[:800]]
    trace = whole([*rows, *scan, *after], Path("t"))  # type: ignore[list-item]
    last = (len(rows) + len(scan)) / len(trace)
    calm = whole([*rows, *after], Path("t"))  # type: ignore[list-item]
    lost = {
        str(rule): replay(trace, rule, 300_000, last).byte_miss_ratio
        - replay(calm, rule, 300_000, len(rows) / len(calm)).byte_miss_ratio
        for rule in (Rule("lru"), Rule("lru", "second"), Rule("titlelfu"), Rule("duel"))
    }
    assert lost["lru"] > 0.02
    assert lost["lru+second"] < lost["lru"] / 2
    assert abs(lost["titlelfu"]) < 0.01
    assert abs(lost["duel"]) < 0.01


def reference() -> list[Any]:
    path = TRACES / "reference.json"
    if not path.is_file():
        return []
    told = json.loads(path.read_text())
    every = os.environ.get("CINEDGE_TEST_TRACES") == "all"
    return [each for each in told if every or each["trace"] in SHORT]


@pytest.mark.skipif(not TRACES.is_dir(), reason="no traces beside this project (../shared/traces)")
@pytest.mark.parametrize("told", reference(), ids=lambda told: told["trace"])
@pytest.mark.timeout(1200)
def test_rules_reach_their_reference_on_the_traces_beside_this_project(told: Any) -> None:
    trace: Trace = read_trace(TRACES / told["trace"], None)
    known = {(each["policy"], each["cache_bytes"]): each for each in told["results"]}
    is_film = told["trace"].startswith("movie")
    for size in sorted({size for _, size in known}):
        lru = replay(trace, Rule("lru"), size, told["warmup"])
        duel = replay(trace, Rule("duel"), size, told["warmup"])
        lru_known, duel_known = (
            known[policy, size]["byte_miss_ratio"] for policy in ("LRU", "Duel")
        )
        assert lru.byte_miss_ratio == pytest.approx(lru_known, abs=0.002)
        if is_film:
            assert duel.byte_miss_ratio <= duel_known + 0.01
            assert duel.write_ratio <= 0.1
        else:
            assert duel.byte_miss_ratio <= lru_known + 0.02
