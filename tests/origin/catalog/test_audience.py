"""An audience sees what is for its age and licensed where it is."""

from __future__ import annotations

from origin.catalog.audience import Audience


def test_age_and_rights_both_count() -> None:
    family = Audience(age_max=12, hidden=frozenset({"elsewhere"}))
    assert family.may_see("a", 12)
    assert not family.may_see("a", 13)
    assert not family.may_see("elsewhere", 0)
    assert Audience().may_see("a", 99)
