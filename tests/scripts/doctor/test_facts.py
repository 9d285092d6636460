"""Claims about facts."""

from __future__ import annotations

from scripts.doctor.diagnosis import judge
from scripts.doctor.facts import Facts


def test_where_nothing_was_found_out_nothing_is_wrong() -> None:
    assert judge(Facts("topology.yaml")) == []
