"""Claims about all judgements together."""

from __future__ import annotations

from dataclasses import replace

from config.complaints import Complaint
from scripts.doctor.diagnosis import checked, judge
from scripts.doctor.facts import Facts, GeoFile


def test_every_check_says_what_it_looks_at() -> None:
    assert len(checked()) == len(set(checked())) >= 18
    assert all(sentence.endswith(".") for sentence in checked())


def test_what_is_grave_comes_before_advice() -> None:
    old = GeoFile("g", "", 1e9)
    facts = Facts("t", geo_files=(old, GeoFile("h", "broken"), old))
    assert [each.grave for each in judge(facts)] == [True, False, False]
    broken = replace(facts, complaints=(Complaint("t", 1, 1, "", "bad"),))
    assert [each.check for each in judge(broken)] == ["topology", "geo", "geo", "geo"]
