"""What players told, bounded and weighed."""

from __future__ import annotations

from geo_router.measurements import Measurements, network_of
from geo_router.place import Place, Source


def test_measurements_follow_the_last_and_are_told_best_first() -> None:
    kept = Measurements()
    for bits in (1_000_000, 2_000_000):
        kept.tell("192.0.2.0/24", "slow", bits, 5.0)
    kept.tell("192.0.2.0/24", "fast", 9_000_000, 6.0)
    kept.tell("198.51.100.0/24", "other", 1, 7.0)
    told = kept.of("192.0.2.0/24")
    assert [(each["edge"], each["bits_per_second"], each["count"]) for each in told] == [
        ("fast", 9_000_000, 1),
        ("slow", 1_300_000, 2),
    ]


def test_the_oldest_make_room() -> None:
    kept = Measurements(most=2)
    for edge in ("a", "b", "a", "c"):
        kept.tell("n", edge, 1, 1.0)
    assert {each["edge"] for each in kept.of("n")} == {"a", "c"}
    assert len(kept) == 2


def test_a_place_speaks_for_the_prefix_that_matched() -> None:
    assert network_of(Place(Source.PREFIX, "10.0.0.0/8", site="fra")) == "10.0.0.0/8"
    assert network_of(Place(Source.DEFAULT, site="fra")) == "default"
