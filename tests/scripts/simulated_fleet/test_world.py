"""The simulated world is a topology that checks out, with edges and viewers all over it."""

from __future__ import annotations

import json
from pathlib import Path

from config.load import load_topology
from scripts.simulated_fleet.world import CITIES, TOWNS, edge_names, topology_of, viewer_address


def test_five_hundred_edges_have_names_of_their_own_in_many_sites() -> None:
    named = edge_names(500)
    assert len({name for name, _ in named}) == 500
    assert 25 <= len({site for _, site in named}) <= len(CITIES)


def test_the_topology_is_one_and_knows_every_viewer(tmp_path: Path) -> None:
    edges = [
        (name, site, f"http://127.0.0.1:{30_000 + at}")
        for at, (name, site) in enumerate(edge_names(20))
    ]
    path = tmp_path / "topology.yaml"
    path.write_text(json.dumps(topology_of(edges, "127.0.0.1:29000", "127.0.0.1:29001")))
    topology = load_topology(path, {})
    assert len(topology.edges) == 20
    assert topology.geo is not None
    for place in range(len(CITIES) + len(TOWNS)):
        first = viewer_address(place).removesuffix(".1")
        assert f"{first}.0/16" in topology.geo.prefixes
