"""What atheris prints is read, and where it is there, it looks."""

from __future__ import annotations

import importlib.util

import pytest

from scripts.fuzz.guided import attempt_again, counted, hunt_guided
from scripts.fuzz.target import Target
from scripts.fuzz.targets.table import TARGETS


def test_executions_and_seconds_are_read() -> None:
    assert counted(b"#12\tDONE\nDone 1234 runs in 7 second(s)\n") == (1234, 7.0)
    assert counted(b"stat::number_of_executed_units: 99\n") == (99, 0.0)
    assert counted(b"nothing") == (0, 0.0)


def test_what_it_found_is_tried_here() -> None:
    def read(data: bytes) -> None:
        if data == b"refused":
            raise ValueError
        raise KeyError(data)

    target = Target("t", read, [], (), (ValueError,))
    assert attempt_again(target, b"refused") is None
    found = attempt_again(target, b"bad")
    assert found is not None
    assert found.place.startswith("KeyError")


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_atheris_looks_where_it_is_installed() -> None:
    found = hunt_guided(next(each for each in TARGETS if each.name == "keys"), 1, 1)
    assert found.executions > 0
    assert found.findings == []
