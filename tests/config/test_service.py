"""A topology has a film service only when it says so."""

from __future__ import annotations

from config.dump import dump_topology
from config.load import parse_topology
from config.service import Service
from config.topology import Topology


def test_there_is_no_film_service_unless_the_topology_has_one() -> None:
    assert Topology().service is None
    assert parse_topology("service: {}\n", {}).service == Service()


def test_service_is_read_as_it_was_written() -> None:
    topology = Topology(service=Service(url="https://films.example"))
    assert parse_topology(dump_topology(topology), {}).service == topology.service
