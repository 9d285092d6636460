"""Claims about the example topology."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from config.example import EXAMPLE_ENVIRON, topology_example
from config.load import load_topology, parse_topology
from config.service import Service
from config.shape import fields_of
from config.topology import Topology
from config.tracing import Tracing

_FILE = Path(__file__).parents[2] / "config" / "topology.example.yaml"


def uncommented(text: str) -> str:
    return re.sub(r"(?m)^( *)#(?=[^ #\n])", r"\1", text)


def records(record: type[Any] = Topology) -> list[type[Any]]:
    """A record and all it holds, each once."""
    found: list[type[Any]] = [record]
    for each in found:
        inner = [field.record for field in fields_of(each) if field.record is not None]
        found.extend(record for record in dict.fromkeys(inner) if record not in found)
    return found


def test_file_is_what_the_declarations_make() -> None:
    assert _FILE.read_text("utf-8") == topology_example(), "run: cinedge topology example"


def test_file_loads_as_it_stands() -> None:
    topology = load_topology(_FILE, {})
    assert [len(topology.sites), len(topology.edges), len(topology.routers)] == [3, 3, 1]


def test_every_default_shown_is_the_default() -> None:
    plain = parse_topology(topology_example(), {}, folder="/x")
    full = parse_topology(uncommented(topology_example()), EXAMPLE_ENVIRON, folder="/x")
    assert len(full.token_keys) == len(full.access_tokens) == 1
    origin = dataclasses.replace(
        full.origins[0], volumes=(), object_store=None, tls=None, url=plain.origins[0].url
    )
    routers = (dataclasses.replace(full.routers[0], tls=None, url=plain.routers[0].url),)
    assert len(full.origins[0].volumes) == 1
    assert full.edges[0].tls is not None
    assert full.edges[0].url.startswith("https:")
    (disk,) = full.edges[0].disks
    disks = (dataclasses.replace(disk, eviction=None),)
    assert full.edges[0].admin_tls is not None
    edge = dataclasses.replace(
        full.edges[0], disks=disks, tls=None, admin_tls=None, url=plain.edges[0].url
    )
    edges = (edge, *full.edges[1:])
    sites = (dataclasses.replace(full.sites[0], traffic_prices=None), *full.sites[1:])
    routes = tuple(dataclasses.replace(route, caching=None, pacing=None) for route in full.routes)
    assert full.service is not None
    assert full.service.mail is not None
    assert full.service.push is not None
    assert full.service.payments is not None
    bare = dataclasses.replace(full.service, mail=None, push=None, payments=None)
    assert bare == Service()
    assert full.tracing == Tracing(full.tracing.endpoint if full.tracing else "")
    again = dataclasses.replace(
        full,
        origins=(origin,),
        edges=edges,
        routers=routers,
        sites=sites,
        routes=routes,
        token_keys=(),
        access_tokens=(),
        service=None,
        tracing=None,
    )
    assert again == plain


@pytest.mark.parametrize("record", records())
def test_every_setting_is_shown(record: type[Any]) -> None:
    text = uncommented(topology_example())
    for field in fields_of(record):
        assert re.search(rf"(?m)^ *(?:- |# )?{field.name}:", text), field.name


def test_every_line_is_short() -> None:
    assert max(map(len, topology_example().splitlines())) <= 100
