"""What may be told of a profile: which members, which values, whose, and of which time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from origin.catalog.activity import Event, Kind
from origin.domains.activity.rules import AHEAD_SECONDS, Teller, parse_event, read_event

NOW = 1_000_000.0
KEEP_SECONDS = 1000.0
TELLER = Teller("anna", "kid", "DE", NOW, KEEP_SECONDS, {"alien", "cube"}.__contains__)


def read(**members: Any) -> Event:
    return read_event(parse_event(members), "e1", TELLER)


@pytest.mark.parametrize(
    ("members", "event"),
    [
        (
            {"kind": "play", "title_id": "alien", "position_seconds": 5},
            Event("kid:e1", Kind.PLAY, NOW, "anna", "kid", "alien", "DE", 5.0),
        ),
        (
            {"kind": "heartbeat", "title_id": "alien", "position_seconds": 9.5,
             "watched_seconds": 4.5, "at": NOW - 10, "profile": "kid"},
            Event("kid:e1", Kind.HEARTBEAT, NOW - 10, "anna", "kid", "alien", "DE", 9.5, 4.5),
        ),
        (
            {"kind": "stop", "title_id": "cube"},
            Event("kid:e1", Kind.STOP, NOW, "anna", "kid", "cube", "DE"),
        ),
        (
            {"kind": "search", "words": "  heist \n films "},
            Event("kid:e1", Kind.SEARCH, NOW, "anna", "kid", region="DE", words="heist films"),
        ),
        (
            {"kind": "rate", "title_id": "cube", "value": 0.5},
            Event("kid:e1", Kind.RATE, NOW, "anna", "kid", "cube", "DE", value=0.5),
        ),
        (
            {"kind": "list", "title_id": "cube", "value": 0},
            Event("kid:e1", Kind.LIST, NOW, "anna", "kid", "cube", "DE"),
        ),
    ],
)  # fmt: skip
def test_each_kind_is_read(members: dict[str, Any], event: Event) -> None:
    assert read(**members) == event


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({}, "kind"),
        ({"kind": "dance"}, "kind"),
        ({"kind": "play"}, "title_id"),
        ({"kind": "play", "title_id": "gone"}, "title_id"),
        ({"kind": "play", "title_id": "alien", "watched_seconds": 4}, "watched_seconds"),
        ({"kind": "play", "title_id": "alien", "position_seconds": -1}, "position_seconds"),
        ({"kind": "play", "title_id": "alien", "position_seconds": "5"}, "position_seconds"),
        ({"kind": "play", "title_id": "alien", "profile": "mum"}, "profile"),
        ({"kind": "play", "title_id": "alien", "color": "red"}, "color"),
        ({"kind": "play", "title_id": "alien", "id": "a b"}, "id"),
        ({"kind": "heartbeat", "title_id": "alien", "watched_seconds": 1e9}, "watched_seconds"),
        ({"kind": "search"}, "words"),
        ({"kind": "search", "words": " \t"}, "words"),
        ({"kind": "search", "words": "a\0b"}, "words"),
        ({"kind": "search", "words": "x" * 201}, "words"),
        ({"kind": "search", "words": "a", "title_id": "alien"}, "title_id"),
        ({"kind": "rate", "title_id": "alien"}, "value"),
        ({"kind": "rate", "title_id": "alien", "value": 0}, "value"),
        ({"kind": "rate", "title_id": "alien", "value": 5.5}, "value"),
        ({"kind": "list", "title_id": "alien", "value": 0.5}, "value"),
        ({"kind": "stop", "title_id": "alien", "at": NOW + AHEAD_SECONDS + 1}, "at"),
        ({"kind": "stop", "title_id": "alien", "at": NOW - KEEP_SECONDS - 1}, "at"),
        ({"kind": "stop", "title_id": "alien", "at": float("inf")}, "at"),
    ],
)
def test_what_says_nothing_sensible_is_refused_by_the_member(
    members: dict[str, Any], place: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(**members)
    assert caught.value.detail.startswith(f"{place}: ")


@pytest.mark.parametrize("item", [None, 5, "play", [], [{"kind": "play"}]])
def test_what_is_no_object_is_refused(item: Any) -> None:
    with pytest.raises(BadRequestError):
        parse_event(item)


@given(st.floats(NOW - KEEP_SECONDS, NOW + AHEAD_SECONDS))
def test_time_is_kept_but_never_lies_ahead(at: float) -> None:
    assert read(kind="stop", title_id="alien", at=at).at == min(at, NOW)
