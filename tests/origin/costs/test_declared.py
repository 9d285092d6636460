"""What the endpoints of costs take."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from cdnkit.wire import Traffic
from origin.costs.declared import CostsQuery, TrafficRowBody


def test_days_are_asked_for_by_the_names_that_people_use() -> None:
    query = CostsQuery.model_validate({"from": "2026-11-01", "by": "day"})
    assert (query.first, query.last, query.by) == (date(2026, 11, 1), None, "day")


@pytest.mark.parametrize("kind", list(Traffic))
def test_every_kind_can_be_told(kind: Traffic) -> None:
    row = {"day": "2026-11-29", "title": "", "kind": kind.value, "bytes": 1}
    assert TrafficRowBody.model_validate(row).kind == kind.value


def test_a_day_is_written_in_one_way() -> None:
    row = {"day": "2026-W48-7", "title": "", "kind": "edge", "bytes": 1}
    with pytest.raises(ValidationError):
        TrafficRowBody.model_validate(row)
