"""The dashboard is one that Grafana takes: panels with queries, side by side, over each other."""

from __future__ import annotations

import json
from itertools import combinations

from config.monitoring.dashboard import PANELS, dashboard


def test_panels_have_queries_and_do_not_overlap() -> None:
    panels = json.loads(dashboard())["panels"]
    assert [panel["title"] for panel in panels] == [panel.title for panel in PANELS]
    assert all(panel["targets"] for panel in panels)
    places = [panel["gridPos"] for panel in panels]
    for one, other in combinations(places, 2):
        apart = abs(one["x"] - other["x"]) >= one["w"] or abs(one["y"] - other["y"]) >= one["h"]
        assert apart
    assert all(place["x"] + place["w"] <= 24 for place in places)


def test_ids_and_references_are_unique() -> None:
    panels = json.loads(dashboard())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)
