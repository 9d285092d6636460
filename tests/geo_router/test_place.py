"""Distances on the sphere, against the haversine formula and known pairs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_router.place import EARTH_RADIUS_KM, distance_km, square_of, to_vector

_points = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def haversine_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    phi_a, phi_b = math.radians(a[0]), math.radians(b[0])
    half_phi = (phi_b - phi_a) / 2
    half_theta = math.radians(b[1] - a[1]) / 2
    h = math.sin(half_phi) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_theta) ** 2
    return 2 * EARTH_RADIUS_KM * math.atan2(math.sqrt(h), math.sqrt(max(0.0, 1 - h)))


@given(_points, _points)
def test_distance_is_the_haversine_distance(a: tuple[float, float], b: tuple[float, float]) -> None:
    assert distance_km(to_vector(*a), to_vector(*b)) == pytest.approx(
        haversine_km(a, b), rel=1e-6, abs=0.01
    )


def test_frankfurt_to_new_york_is_about_6200_km() -> None:
    assert distance_km(to_vector(50.11, 8.68), to_vector(40.71, -74.01)) == pytest.approx(
        6200, abs=30
    )


def test_opposite_points_are_half_the_globe_apart() -> None:
    half = math.pi * EARTH_RADIUS_KM
    assert distance_km(to_vector(0, 0), to_vector(0, 180)) == pytest.approx(half)
    assert distance_km(to_vector(90, 0), to_vector(-90, 77)) == pytest.approx(half)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_square_is_all_that_is_told_of_a_place(latitude: float, longitude: float) -> None:
    told = square_of(to_vector(latitude, longitude))
    assert abs(told[0] - latitude) <= 2.5 + 1e-6
    if abs(latitude) < 89:
        assert abs((told[1] - longitude + 180) % 360 - 180) <= 2.5 + 1e-6
    assert told[0] % 5 == told[1] % 5 == 0
