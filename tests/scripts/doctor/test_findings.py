"""Claims about a finding."""

from __future__ import annotations

from scripts.doctor.findings import Finding


def test_a_finding_is_grave_unless_it_is_called_advice() -> None:
    assert Finding("a", "b", "c", "d", "e").grave
    assert not Finding("a", "b", "c", "d", "e", grave=False).grave
