"""Permits that come back with time."""

from __future__ import annotations

from geo_router.pacing import Bucket


def test_a_second_of_permits_passes_at_once_and_comes_back() -> None:
    bucket = Bucket(3.0, 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(0.4)
    assert not bucket.take(0.4)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(50.0)


def test_who_is_sent_away_comes_back_spread_over_ten_seconds() -> None:
    bucket = Bucket(1.0, 0.0)
    assert {bucket.wait_seconds(chance / 100) for chance in range(100)} == set(range(1, 11))
