"""Targets of fields see ranges outside of the object and dates that change."""

from __future__ import annotations

import pytest

from cdnkit.dates import format_http_date
from cdnkit.ranges import plan_ranges
from scripts.fuzz.target import Target
from scripts.fuzz.targets import fields
from tests.scripts.fuzz.borne import check_borne, found_in

BY_NAME = {target.name: target for target in fields.TARGETS}


@pytest.mark.parametrize("target", fields.TARGETS, ids=lambda target: target.name)
def test_the_parser_bears_what_chance_makes_of_its_examples(target: Target) -> None:
    check_borne(target)


def test_a_range_that_is_more_than_the_object_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_in(BY_NAME["ranges"], b"bytes=0-1") is None
    monkeypatch.setattr(fields, "plan_ranges", lambda text, size: plan_ranges(text, size + 1))
    assert found_in(BY_NAME["ranges"], b"bytes=0-") is not None


def test_a_date_that_is_written_otherwise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "format_http_date", lambda moment: format_http_date(moment + 1))
    found = found_in(BY_NAME["dates"], b"Sun, 06 Nov 1994 08:49:37 GMT")
    assert found is not None
    assert "round trip" in found.error
