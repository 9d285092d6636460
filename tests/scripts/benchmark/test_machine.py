"""A figure can be traced to the machine and the commit it was made on."""

from __future__ import annotations

import re

import pytest

from scripts.benchmark import machine
from scripts.benchmark.peers import installed


def test_the_machine_is_described() -> None:
    found = machine.look(installed())
    assert found.cores >= 1
    assert found.memory_gib > 0.1
    assert found.processor in str(found)
    assert re.match(r"\d+\.\d+", found.kernel)
    assert all(re.match(r"\d+\.\d+", version) for version in found.versions.values())
    assert found.as_dict()["python"].startswith("3.")


def test_the_commit_is_a_name_or_unknown() -> None:
    assert re.fullmatch(r"[0-9a-f]{7,}\+?|unknown", machine.commit())


def test_a_peer_that_is_not_here_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "find_program", lambda _: None)
    assert machine.version_of("nginx") == "?"
