"""Claims about the whole look: real installations, broken in one way each."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from scripts.cli.errors import UsageError
from scripts.doctor.diagnosis import judge
from scripts.doctor.examining import examine
from scripts.doctor.findings import Finding

_TOPOLOGY = """\
sites: [{name: fra, latitude: 50, longitude: 8}]
origins: [{name: o1, listen: "127.0.0.1:1", data: data}]
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:PORT", disks: [{path: cache, size_bytes: 16MiB}]}
"""


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    path = tmp_path / "topology.yaml"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        path.write_text(_TOPOLOGY.replace("PORT", str(free.getsockname()[1])))
    return path


def grave(path: Path, environ: dict[str, str] | None = None) -> list[Finding]:
    """What is wrong besides that nothing runs."""
    found = [each for each in judge(examine(path, environ or {}, [])) if each.grave]
    return [each for each in found if each.check != "processes"]


def test_an_installation_that_does_not_run_has_nothing_else_wrong(topology: Path) -> None:
    assert grave(topology) == []
    (said,) = [each for each in judge(examine(topology, {}, [])) if each.grave]
    assert said.what == "no process of this topology answers"


def test_every_mistake_of_the_file_is_found_with_its_line(topology: Path) -> None:
    topology.write_text(topology.read_text().replace("disks:", "discs:") + "nonsense: 1\n")
    found = grave(topology)
    assert {each.check for each in found} == {"topology"}
    assert any(each.subject == f"{topology}:4: edges[0].discs" for each in found)
    assert any("nonsense" in each.subject for each in found)


def test_a_missing_variable_of_a_token_is_found(topology: Path) -> None:
    topology.write_text(
        topology.read_text() + "access_tokens: [{name: a, scopes: [upload], secret_env: NAME}]\n"
    )
    (finding,) = grave(topology)
    assert finding.what == "environment variable 'NAME' is not set"
    assert grave(topology, {"NAME": "12345678"}) == []


def test_a_secret_in_a_file_that_others_read_is_found(topology: Path) -> None:
    topology.write_text(topology.read_text() + "access_tokens: [{name: a, secret: '12345678'}]\n")
    os.chmod(topology, 0o644)
    (finding,) = grave(topology)
    assert finding.check == "secrets"
    os.chmod(topology, 0o600)
    assert grave(topology) == []


def test_a_file_where_a_folder_should_be_is_found(topology: Path) -> None:
    (topology.parent / "cache").write_text("")
    (finding,) = grave(topology)
    assert (finding.check, finding.subject) == ("folders", f"e1 {topology.parent / 'cache'}")


def test_a_cache_larger_than_its_disk_is_found(topology: Path) -> None:
    topology.write_text(topology.read_text().replace("16MiB", "900TiB"))
    (finding,) = grave(topology)
    assert finding.check == "disks"


def test_a_port_that_another_program_has_is_found(topology: Path) -> None:
    # It takes connections and never answers, as another program's protocol may.
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        topology.write_text(topology.read_text().replace('127.0.0.1:1"', f'127.0.0.1:{port}"'))
        (finding,) = grave(topology)
    assert finding.subject == f"o1 127.0.0.1:{port}"


def test_a_host_without_an_address_is_found(topology: Path) -> None:
    topology.write_text(topology.read_text() + 'routes: [{upstream: ["http://no.invalid"]}]\n')
    (finding,) = grave(topology)
    assert (finding.check, finding.subject) == ("names", "no.invalid")


def test_a_database_that_is_none_is_found(topology: Path) -> None:
    (topology.parent / "data").mkdir()
    (topology.parent / "data" / "catalog.sqlite").write_bytes(b"nothing of the kind " * 50)
    (finding,) = grave(topology)
    assert finding.check == "database"


def test_a_geo_database_that_is_missing_is_found(topology: Path) -> None:
    topology.write_text(topology.read_text() + "geo: {default_site: fra, database: no.mmdb}\n")
    (finding,) = grave(topology)
    assert finding.check == "geo"


def test_a_certificate_that_is_missing_is_found(topology: Path) -> None:
    text = topology.read_text().replace("site: fra", "site: fra, tls: {certificate: c, key: k}")
    topology.write_text(text)
    (finding,) = grave(topology)
    assert finding.check == "certificates"


def test_a_node_that_is_not_in_the_file_is_refused(topology: Path) -> None:
    with pytest.raises(UsageError, match="no node named e9"):
        examine(topology, {}, ["e9"])
