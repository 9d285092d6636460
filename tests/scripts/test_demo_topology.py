"""The topology of `cinedge up` is valid, is written once, and only loses ports that are taken."""

from __future__ import annotations

import socket
from pathlib import Path

from config.load import load_topology, parse_topology
from scripts.demo_topology import (
    HOST,
    REGIONS,
    SERVICE_PORTS,
    TOPOLOGY_PORTS,
    free_ports,
    is_free,
    listed_ports,
    render_topology,
    settle_topology,
    swap_ports,
)


def refuse_to_speak(sentence: str) -> None:
    raise AssertionError(sentence)


def test_fresh_topology_passes_every_check_and_places_one_edge_in_each_region() -> None:
    text = render_topology(Path("/srv/demo"), range(20_001, 20_001 + TOPOLOGY_PORTS))
    topology = parse_topology(text, {}, folder="/srv/demo")
    assert [edge.site for edge in topology.edges] == [region.site for region in REGIONS]
    assert topology.geo is not None
    assert set(topology.geo.prefixes.values()) == {site.name for site in topology.sites}
    assert topology.origins[0].router_url == topology.routers[0].url
    assert topology.origins[0].data == "/srv/demo/origin"


def test_fresh_topology_names_each_of_its_ports() -> None:
    ports = tuple(range(20_001, 20_001 + TOPOLOGY_PORTS))
    assert set(listed_ports(render_topology(Path("/srv"), ports))) == set(ports)


def test_second_start_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    settle_topology(path, refuse_to_speak)
    path.write_text(path.read_text() + "# mine\n")
    kept = path.read_text()
    settle_topology(path, refuse_to_speak)
    assert path.read_text() == kept


def test_taken_port_is_named_and_swapped_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    settle_topology(path, refuse_to_speak)
    kept = path.read_text()
    lost = listed_ports(kept)[0]
    said: list[str] = []
    with socket.create_server((HOST, lost)):
        settle_topology(path, said.append)
    new = listed_ports(path.read_text())[0]
    assert said == [f"Port {lost} is taken by another program; using {new} from now on."]
    assert swap_ports(path.read_text(), {new: lost}) == kept
    assert load_topology(path, {}).origins[0].listen.port == new


def test_free_ports_differ_and_avoid_what_they_are_told() -> None:
    first = free_ports(20)
    second = free_ports(20, avoid=first)
    assert len({*first, *second}) == 40


def test_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as listener:
        assert not is_free(listener.getsockname()[1])


def test_swapping_leaves_longer_numbers_and_other_hosts_alone() -> None:
    text = "127.0.0.1:2000 127.0.0.1:20001 10.0.0.1:2000 http://127.0.0.1:2000/x"
    swapped = "127.0.0.1:7 127.0.0.1:20001 10.0.0.1:2000 http://127.0.0.1:7/x"
    assert swap_ports(text, {2000: 7}) == swapped


SERVICED_PORTS = tuple(range(20_001, 20_001 + TOPOLOGY_PORTS + SERVICE_PORTS))


def rendered() -> str:
    return render_topology(Path("/srv/demo"), SERVICED_PORTS, with_service=True)


def test_topology_with_the_service_passes_every_check_and_wants_tokens() -> None:
    topology = parse_topology(rendered(), {}, folder="/srv/demo")
    service = topology.service
    assert service is not None
    assert service.mail is not None
    assert service.payments is not None
    assert (service.mail.host, service.mail.port) == (HOST, SERVICED_PORTS[-2])
    assert service.payments.api_url == f"http://{HOST}:{SERVICED_PORTS[-1]}"
    assert all(route.token for route in topology.routes)


def test_every_port_of_the_service_is_swapped_when_it_is_taken() -> None:
    text = rendered()
    assert set(listed_ports(text)) == set(SERVICED_PORTS)
    swapped = swap_ports(text, {SERVICED_PORTS[-2]: 7, SERVICED_PORTS[-1]: 8})
    service = parse_topology(swapped, {}, folder="/").service
    assert service is not None
    assert service.mail is not None
    assert service.payments is not None
    assert service.mail.port == 7
    assert service.payments.script_url.startswith(f"http://{HOST}:8/")
    assert set(listed_ports(swapped)) == {*SERVICED_PORTS[:-2], 7, 8}


def test_secrets_differ_from_one_demonstration_to_the_next() -> None:
    keys = {parse_topology(rendered(), {}).token_keys[0].secret for _ in range(2)}
    assert len(keys) == 2
