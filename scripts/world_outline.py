"""python -m scripts.world_outline land-110m.json: the outline of the operator page's map.

Reads the land of the npm package `world-atlas` (2.0.2, ISC licence), which is Natural Earth's at
1:110 million (public domain), as TopoJSON, and prints an ES module. Degrees are rounded to tenths;
Antarctica and specks that no map of this size shows are left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

Point = tuple[float, float]
"""Longitude and latitude, in degrees."""

SOUTHERNMOST: Final = -58.0
_HALF: Final = 180.0
AREA_MIN: Final = 0.6
"""In square degrees; smaller rings are left out."""

_HEAD: Final = """\
// Made by scripts/world_outline.py from Natural Earth's land at 1:110 million (public domain), as
// the npm package world-atlas 2.0.2 (ISC) has it. A ring is longitude and latitude of its first
// point, then the steps to each next one, all in tenths of a degree.
"""


def rings_of(atlas: dict[str, Any]) -> list[list[Point]]:
    """The outer rings of a TopoJSON's `land`, closed, in degrees."""
    arcs = [_unpacked(arc, atlas["transform"]) for arc in atlas["arcs"]]
    rings = []
    for geometry in atlas["objects"]["land"]["geometries"]:
        polygons = [geometry["arcs"]] if geometry["type"] == "Polygon" else geometry["arcs"]
        rings += [_joined(polygon[0], arcs) for polygon in polygons]
    return rings


def is_shown(ring: Sequence[Point]) -> bool:
    """Whether a ring is worth its bytes."""
    return max(latitude for _, latitude in ring) > SOUTHERNMOST and area(ring) >= AREA_MIN


def area(ring: Sequence[Point]) -> float:
    """Square degrees inside a closed ring (the shoelace formula)."""
    pairs = pairwise(ring)
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs)) / 2


def unwrapped(ring: Sequence[Point]) -> list[Point]:
    """A ring that goes on beyond the 180th meridian: a jump to its other side would cross the map.

    Most of it stays where it is.
    """
    told, turns, before = [], 0, ring[0][0]
    for longitude, latitude in ring:
        if abs(longitude - before) > _HALF:
            turns -= round((longitude - before) / (2 * _HALF))
        told.append((longitude + turns * 2 * _HALF, latitude))
        before = longitude
    middle = sum(longitude for longitude, _ in told) / len(told)
    shift = 2 * _HALF * round(middle / (2 * _HALF))
    return [(longitude - shift, latitude) for longitude, latitude in told]


def packed(ring: Iterable[Point]) -> list[int]:
    """A ring as steps in tenths of a degree; steps of nothing are left out."""
    told: list[int] = []
    x = y = 0
    for longitude, latitude in ring:
        to_x, to_y = round(longitude * 10), round(latitude * 10)
        if not told or (to_x, to_y) != (x, y):
            told += (to_x - x, to_y - y)
            x, y = to_x, to_y
    return told


def module(rings: Iterable[Sequence[Point]]) -> str:
    """The ES module."""
    lines = [
        json.dumps(packed(unwrapped(ring)), separators=(",", ":"))
        for ring in rings
        if is_shown(ring)
    ]
    return _HEAD + "export const LAND = [\n" + ",\n".join(lines) + ",\n];\n"


def _unpacked(arc: Sequence[Sequence[int]], transform: dict[str, Any]) -> list[Point]:
    (scale_x, scale_y), (start_x, start_y) = transform["scale"], transform["translate"]
    points, x, y = [], 0, 0
    for step_x, step_y in arc:
        x, y = x + step_x, y + step_y
        points.append((x * scale_x + start_x, y * scale_y + start_y))
    return points


def _joined(numbers: Iterable[int], arcs: Sequence[Sequence[Point]]) -> list[Point]:
    ring: list[Point] = []
    for number in numbers:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        ring += arc[1:] if ring else arc
    return ring


if __name__ == "__main__":
    sys.stdout.write(module(rings_of(json.loads(Path(sys.argv[1]).read_text()))))
