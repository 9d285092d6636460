"""What the document says of events is what is taken."""

from __future__ import annotations

from typing import get_args

from origin.catalog.activity import Kind
from origin.domains.activity.shapes import EVENTS_MAX, EventsBody, KindName


def test_kinds_are_those_of_the_log() -> None:
    assert set(get_args(KindName)) == set(Kind)


def test_document_describes_an_event_although_each_is_judged_by_itself() -> None:
    events = EventsBody.model_json_schema()["properties"]["events"]
    assert events["maxItems"] == EVENTS_MAX
    assert {"kind", "title_id", "value", "words"} <= set(events["items"]["properties"])
    assert EventsBody.model_validate({"events": [{"kind": "dance"}, 5]}).events[1] == 5
