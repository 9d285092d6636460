"""The outline of the map: TopoJSON becomes rings, and rings become few numbers that lead round."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from scripts.world_outline import area, is_shown, module, packed, rings_of, unwrapped

ROOT = Path(__file__).parents[2]
ATLAS = {
    "transform": {"scale": [0.5, 0.5], "translate": [-10, -10]},
    "arcs": [[[0, 0], [20, 0], [0, 20]], [[0, 0], [0, 20], [20, 0]]],
    "objects": {"land": {"geometries": [{"type": "MultiPolygon", "arcs": [[[0, -2]]]}]}},
}
POINTS = st.lists(st.tuples(st.floats(-180, 180), st.floats(-58, 84)), min_size=1, max_size=30)


def test_arcs_are_joined_one_of_them_backwards() -> None:
    assert rings_of(ATLAS) == [[(-10, -10), (0, -10), (0, 0), (-10, 0), (-10, -10)]]
    assert area(rings_of(ATLAS)[0]) == 100


@given(POINTS)
def test_steps_lead_to_every_point(ring: list[tuple[float, float]]) -> None:
    steps = packed(ring)
    xs, ys = list(accumulate(steps[::2])), list(accumulate(steps[1::2]))
    rounded = [(round(x * 10), round(y * 10)) for x, y in ring]
    kept = [point for at, point in enumerate(rounded) if at == 0 or point != rounded[at - 1]]
    assert list(zip(xs, ys, strict=True)) == kept


def test_land_across_the_180th_meridian_does_not_jump() -> None:
    ring = [(170.0, 60.0), (180.0, 65.0), (-180.0, 65.0), (-175.0, 62.0), (170.0, 60.0)]
    assert unwrapped(ring) == [(170, 60), (180, 65), (180, 65), (185, 62), (170, 60)]
    assert unwrapped([(-180.0, 65.0), (170.0, 60.0), (160.0, 60.0)])[0] == (180, 65)


def test_specks_and_antarctica_are_left_out() -> None:
    assert not is_shown([(0, 0), (0.1, 0), (0.1, 0.1), (0, 0)])
    assert not is_shown([(0, -80), (90, -80), (90, -60), (0, -80)])
    assert is_shown(rings_of(ATLAS)[0])
    assert module(rings_of(ATLAS)).endswith("[-100,-100,100,0,0,100,-100,0,0,-100],\n];\n")


def test_the_committed_outline_is_a_small_closed_world() -> None:
    path = ROOT / "geo_router" / "web" / "operator" / "world.js"
    text = path.read_text()
    assert len(text) < 60_000
    found = re.search(r"LAND = (\[.*),\n\];", text, re.DOTALL)
    assert found is not None
    rings = json.loads(found[1] + "]")
    assert len(rings) > 50
    for steps in rings:
        xs, ys = list(accumulate(steps[::2])), list(accumulate(steps[1::2]))
        assert (xs[0], ys[0]) == (xs[-1], ys[-1])
        assert -1800 <= min(xs) <= max(xs) <= 1905
        assert -900 <= min(ys) <= max(ys) <= 900
