"""Each peer's configuration names its port and its origin; nginx takes ours without fault."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.benchmark import peers
from scripts.benchmark.peers import PEERS, Site, find_program, nginx_static


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, 4711, 4712, 1)


@pytest.mark.parametrize("name", PEERS)
def test_configuration_names_its_port_and_its_origin(
    name: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "find_program", lambda program: "/bin/true")
    command = PEERS[name].prepare(site)
    written = " ".join(map(str, command.words)) + "".join(
        path.read_text() for path in site.folder.rglob("*") if path.is_file()
    )
    assert "4711" in written
    assert "4712" in written
    assert command.words[0] == "/bin/true"


@pytest.mark.parametrize("is_cache", [True, False])
def test_nginx_accepts_its_configuration(is_cache: bool, site: Site, tmp_path: Path) -> None:
    if find_program("nginx") is None:
        pytest.skip("needs nginx")
    command = peers.nginx_cache(site) if is_cache else nginx_static(site, tmp_path)
    words = [str(word) for word in command.words]
    done = subprocess.run([*words, "-t"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_only_what_is_installed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_program", lambda name: name if name == "squid" else None)
    assert peers.installed() == ("squid",)
