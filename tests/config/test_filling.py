from __future__ import annotations

from pathlib import Path

import pytest

from config.complaints import TopologyError
from config.filling import Fill
from config.load import load_topology

EDGES = """\
version: 1
sites: [{name: fra, latitude: 50, longitude: 8}]
origins: [{name: origin-1, listen: "127.0.0.1:8000", data: data}]
edge_settings: {fill: {share: 0.8, quiet_seconds: 4h, bytes_per_second: 10MiB}}
edges:
  - {name: e-1, site: fra, listen: "127.0.0.1:9001", disks: [{path: a}]}
  - name: e-2
    site: fra
    listen: 127.0.0.1:9002
    disks: [{path: b}]
    settings: {fill: {%s}}
"""


def test_an_edge_may_take_in_other_hours_than_the_rest(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(EDGES % "begins_hour: 3.5, gain: 2")
    first, second = load_topology(str(tmp_path / "t.yaml"), {}).edges
    assert first.settings.fill == Fill(0.8, quiet_seconds=4 * 3600.0, bytes_per_second=10 << 20)
    assert second.settings.fill == Fill(begins_hour=3.5, gain=2.0)


@pytest.mark.parametrize(
    ("setting", "said"),
    [("share: 2", "fill.share"), ("begins_hour: 25", "begins_hour"), ("hours: 3", "unknown")],
)
def test_what_cannot_be_is_refused_where_it_stands(tmp_path: Path, setting: str, said: str) -> None:
    (tmp_path / "t.yaml").write_text(EDGES % setting)
    with pytest.raises(TopologyError, match=said) as caught:
        load_topology(str(tmp_path / "t.yaml"), {})
    assert "t.yaml:11" in str(caught.value)
