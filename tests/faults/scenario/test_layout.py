"""Every process of every shape that is drawn takes the topology it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from config.load import parse_topology
from config.topology import Topology
from tests.faults.scenario.backing import Backing
from tests.faults.scenario.drawing import SECOND_FROM, draw_scenario
from tests.faults.scenario.layout import DNS, Ports, Secured, document_of, key_named
from tests.faults.scenario.plan import DATABASE, EXTERNAL, OBJECTS, Shape, processes_of

LINKS = {"edge-a>origin": 8000, "origin-b>database": 8001}
SECURED = Secured("/ours.pem", {"certificate": "/c", "key": "/k", "oldest_version": "TLSv1.3"})
STORE = {
    "endpoint": "http://127.0.0.1:7101",
    "bucket": "b",
    "access_key_id": "k",
    "secret": "only of a test",
}


def told(process: str, shape: Shape) -> Topology:
    """The topology of a process whose links may break."""
    names = (*processes_of(shape), DNS) if shape.dns else processes_of(shape)
    servers = {name: 7000 + at for at, name in enumerate(names)}
    servers |= {EXTERNAL: 7099, DATABASE: 7100, OBJECTS: 7101}
    backing = Backing(
        "postgresql://u@127.0.0.1:7100/films" if shape.postgresql else "",
        STORE if shape.objects else {},
    )
    at = (Ports(servers, LINKS, shape.tls), Path("/data"), [key_named(1)], backing)
    document = document_of(process, shape, *at, SECURED if shape.tls else None)
    return parse_topology(yaml.safe_dump(document), {})


def test_every_shape_that_is_drawn_can_be_started() -> None:
    shapes = {draw_scenario(seed).shape for seed in range(SECOND_FROM, SECOND_FROM + 60)}
    assert len(shapes) > 10
    for shape in shapes:
        assert len(told("edge-a", shape).origins) == shape.origins


@pytest.mark.parametrize(("tls", "scheme"), [(True, "https"), (False, "http")])
def test_who_asks_over_a_link_that_breaks_is_told_its_proxy(tls: bool, scheme: str) -> None:
    shape = Shape(tls=tls, dns=True, origins=2, postgresql=True, objects=True)
    first, second = told("edge-a", shape).origins
    assert (first.url, second.url) == (f"{scheme}://127.0.0.1:8000", f"{scheme}://127.0.0.1:7001")
    assert told("edge-b", shape).origins[0].url == f"{scheme}://127.0.0.1:7000"
    assert [each.database for each in told("origin-b", shape).origins] == [
        "postgresql://u@127.0.0.1:7100/films",
        "postgresql://u@127.0.0.1:8001/films",
    ]
