"""Bytes of an edge come in kinds that leave none out, and nothing it says is believed unchecked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.wire import MissClass, Outcome
from geo_router.overview.figures import KINDS, Figures, gain, kind_of, read_figures, settled

LABELS = st.sampled_from(
    [each.value for each in Outcome]
    + [f"{outcome.value}:{reason.value}" for outcome in Outcome for reason in MissClass]
)
COUNTS = st.dictionaries(LABELS, st.integers(0, 10**15))


@given(COUNTS)
def test_the_kinds_add_up_to_all_that_was_sent(counts: dict[str, int]) -> None:
    figures = read_figures({"sent_bytes": counts})
    assert sum(figures.sent_bytes.values()) == sum(counts.values())
    assert set(figures.sent_bytes) <= set(KINDS)


@given(COUNTS, COUNTS)
def test_what_came_between_two_looks_is_the_difference(
    first: dict[str, int], more: dict[str, int]
) -> None:
    before = read_figures({"sent_bytes": first, "fill_bytes": 5, "origin_bytes": 1})
    later = {label: first.get(label, 0) + more.get(label, 0) for label in {**first, **more}}
    after = read_figures({"sent_bytes": later, "fill_bytes": 9, "origin_bytes": 1})
    grown = gain(before, after)
    assert sum(grown.sent.values()) == sum(more.values())
    assert (grown.filled, grown.from_origin) == (4, 0)


def test_a_count_that_has_fallen_began_anew() -> None:
    before = Figures(fill_bytes=100, sent_bytes={"hit": 1000})
    grown = gain(before, Figures(fill_bytes=30, sent_bytes={"hit": 70}))
    assert (grown.sent, grown.filled) == ({"hit": 70}, 30)


def test_an_edge_that_began_anew_is_counted_whole_even_where_it_has_overtaken_itself() -> None:
    before = Figures(counting_since=1.0, fill_bytes=10, sent_bytes={"hit": 50, "own": 900})
    after = Figures(counting_since=2.0, fill_bytes=20, sent_bytes={"hit": 70, "own": 5})
    grown = gain(before, settled(before, after))
    assert (grown.sent, grown.filled) == ({"hit": 70, "own": 5}, 20)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 99), st.booleans()), max_size=30))
def test_two_workers_that_know_each_others_older_sums_are_counted_once(
    steps: list[tuple[int, int, bool]],
) -> None:
    own, left, total, seen = [0, 0], [0, 0], 0.0, Figures(counting_since=1.0)
    for worker, more, leaves in steps:
        own[worker] += more
        if leaves:
            left[worker] = own[worker]
        told = own[worker] + left[1 - worker]
        # A worker that has just begun tells no counts at all.
        facts = {"counting_since": 1.0, "sent_bytes": {"hit": told}} if told else {}
        latest = settled(seen, read_figures(facts))
        total += gain(seen, latest).sent.get("hit", 0)
        seen = latest
        assert total <= sum(own)
    whole = read_figures({"counting_since": 1.0, "sent_bytes": {"hit": sum(own)}})
    assert total + gain(seen, settled(seen, whole)).sent.get("hit", 0) == sum(own)


def test_reasons_name_misses_and_what_was_at_hand_is_a_hit_whatever_its_reason() -> None:
    kinds = {
        "hit": "hit",
        "stale:health": "hit",
        "revalidated": "hit",
        "miss:cold": "cold",
        "partial:evicted": "evicted",
        "pass": "pass",
        "error:health": "error",
        "own": "own",
        "miss": "other",
        "new-word:new-reason": "other",
    }
    assert {label: kind_of(label) for label in kinds} == kinds


def test_what_is_no_count_is_not_taken_for_one() -> None:
    wrong = {"load": -1, "streams": "many", "fill_bytes": True, "egress_bits_per_second": 1e30}
    assert read_figures({**wrong, "sent_bytes": {"hit": None, "pass": -5}}) == Figures()
    assert read_figures({"sent_bytes": [1, 2]}) == Figures()
    assert read_figures({"sent_bytes": {str(n): 1 for n in range(1000)}}) == Figures()
