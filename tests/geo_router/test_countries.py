"""The table of country centres: complete enough, and on the right side of the world."""

from __future__ import annotations

import pytest

from geo_router.countries import CENTRES
from geo_router.place import distance_km, to_vector


def test_every_code_is_two_capitals_with_a_point_on_earth() -> None:
    assert len(CENTRES) >= 249
    for code, (latitude, longitude) in CENTRES.items():
        assert len(code) == 2
        assert code.isascii()
        assert code.isupper()
        assert -90 <= latitude <= 90
        assert -180 <= longitude <= 180


@pytest.mark.parametrize(
    ("code", "latitude", "longitude"),
    [
        ("DE", 50.1, 8.7),
        ("JP", 35.7, 139.7),
        ("BR", -23.6, -46.6),
        ("US", 39.1, -94.6),
        ("ZA", -26.2, 28.0),
        ("NZ", -36.8, 174.8),
        ("IN", 19.1, 72.9),
        ("IS", 64.1, -21.9),
    ],
)
def test_a_centre_is_near_people_of_that_country(
    code: str, latitude: float, longitude: float
) -> None:
    assert distance_km(to_vector(*CENTRES[code]), to_vector(latitude, longitude)) < 700
