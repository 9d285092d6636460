"""A place on earth as the router knows it, and how far two places are apart. Pure."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

EARTH_RADIUS_KM: Final = 6371.0088

SQUARE_DEGREES: Final = 5

Vector = tuple[float, float, float]

Square = tuple[int, int]
"""Latitude and longitude of the middle of a square of five degrees: a place without an address."""


class Source(enum.Enum):
    """What told us the place."""

    PREFIX = "prefix"
    DATABASE = "database"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Place:
    """Either a site by name, or coordinates; `matched` is the prefix that said so."""

    source: Source
    matched: str = ""
    site: str = ""
    coordinates: tuple[float, float] | None = None
    country: str = ""


def to_vector(latitude: float, longitude: float) -> Vector:
    """The point on the unit sphere; chords between such points order like great circles."""
    phi, theta = math.radians(latitude), math.radians(longitude)
    return (math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi))


def distance_km(a: Vector, b: Vector) -> float:
    """Great-circle distance of two points given by `to_vector`."""
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.dist(a, b) / 2))


def square_of(vector: Vector) -> Square:
    """The square in which a point of the unit sphere lies."""
    x, y, z = vector
    latitude, longitude = math.asin(max(-1.0, min(1.0, z))), math.atan2(y, x)
    return _middle(math.degrees(latitude)), _middle(math.degrees(longitude))


def _middle(degrees: float) -> int:
    return round(degrees / SQUARE_DEGREES) * SQUARE_DEGREES
