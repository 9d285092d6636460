"""Claims about what this machine says."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from config.keeping import ObjectStore
from config.service import Mail, Service
from config.topology import (
    Address,
    CacheDisk,
    Dns,
    EdgeNode,
    EdgeSettings,
    OriginNode,
    Route,
    Topology,
    Volume,
)
from scripts.doctor import here

EDGE = EdgeNode("e", "s", Address("127.0.0.1", 0), (CacheDisk("c"),), url="http://127.0.0.1:1")
AWAY = Address("192.0.2.1", 80)


def test_nodes_at_addresses_of_this_machine_stand_here() -> None:
    edges = (
        EDGE,
        replace(EDGE, name="away", listen=AWAY),
        replace(EDGE, name="any", listen=Address("0.0.0.0", 1), url="http://localhost:1"),
        replace(EDGE, name="any-away", listen=Address("0.0.0.0", 1), url="http://192.0.2.1:1"),
    )
    topology = Topology(edges=edges)
    assert [node.name for node in here.nodes_here(topology)] == ["e", "any"]
    assert [node.name for node in here.nodes_here(topology, ["away"])] == ["away"]


def test_a_folder_that_is_not_there_is_judged_by_the_nearest_that_is(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    (folder,) = here.folders([replace(EDGE, disks=(CacheDisk(str(path), 5),))], {"e": 3})
    assert (folder.exists, folder.nearest, folder.is_directory) == (False, str(tmp_path), True)
    assert (folder.wanted_bytes, folder.held_bytes) == (5, 3)
    assert 0 < folder.free_bytes <= folder.total_bytes
    (tmp_path / "a").write_text("")
    (folder,) = here.folders([replace(EDGE, disks=(CacheDisk(str(path), 5),))], {})
    assert not folder.is_directory


def test_what_an_edge_holds_is_spread_over_its_disks_by_size(tmp_path: Path) -> None:
    disks = (CacheDisk(str(tmp_path), 30), CacheDisk(str(tmp_path), 10))
    found = here.folders([replace(EDGE, disks=disks)], {"e": 20})
    assert [folder.held_bytes for folder in found] == [15, 5]


def test_data_volumes_and_logs_of_nodes_are_folders(tmp_path: Path) -> None:
    volume = Volume("v", str(tmp_path / "v"), reserve_bytes=7)
    origin = OriginNode(
        "o", AWAY, str(tmp_path / "d"), volumes=(volume,), access_log=str(tmp_path / "l" / "o")
    )
    assert [(f.path, f.reserve_bytes) for f in here.folders([origin], {})] == [
        (str(tmp_path / "d"), 0),
        (str(tmp_path / "v"), 7),
    ]
    logging = replace(EDGE, settings=EdgeSettings(access_log="-"))
    assert [f.path for f in here.log_folders([origin, logging])] == [str(tmp_path / "l")]


@pytest.mark.parametrize("kind", ["edge", "admin"])
def test_an_address_that_somebody_has_is_told(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Address("127.0.0.1", other.getsockname()[1])
        node = replace(EDGE, listen=taken) if kind == "edge" else replace(EDGE, admin=taken)
        ports = here.ports([node], [])
        assert [port.error for port in ports if port.address == str(taken)] == [
            "Address already in use"
        ]
        assert here.ports([node], ["e"]) == ()
    assert not any(port.error for port in here.ports([node], []))


def test_names_are_looked_up_once_with_who_uses_them() -> None:
    topology = Topology(
        edges=(replace(EDGE, url="http://localhost:1"), replace(EDGE, url="http://localhost:2")),
        dns=Dns(nameservers=("localhost.", "ns.invalid.")),
        routes=(Route(upstream=("http://name.invalid",)),),
    )
    known, server, unknown = here.names(topology)
    assert (known.host, known.used_by, known.error) == ("localhost", "e", "")
    assert (unknown.host, unknown.used_by) == ("name.invalid", "route /")
    assert unknown.error
    assert (server.host, server.used_by) == ("ns.invalid", "dns.nameservers")


def test_servers_that_origins_here_need_are_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as store:
        url = f"http://127.0.0.1:{store.getsockname()[1]}"
        origin = OriginNode("o", AWAY, "d", object_store=ObjectStore(url, "films", "key"))
        service = Service(mail=Mail("127.0.0.1", "films@films.example", port=1))
        topology = Topology(service=service)
        answering, silent = here.servers([origin, EDGE], topology)
    assert (answering.kind, answering.used_by, answering.error) == ("object store", "o", "")
    assert (silent.kind, silent.address) == ("mail server", "127.0.0.1:1")
    assert silent.error == "Connection refused"
    assert here.servers([EDGE], topology) == ()


def test_a_machine_tells_its_limits() -> None:
    machine = here.machine()
    assert machine.version
    assert machine.somaxconn is None or machine.somaxconn > 0
