"""What handlers may say about their request."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from cdnkit.service.exchange import (
    EXCHANGE,
    Exchange,
    exchange_of,
    note,
    note_raw_body,
    request_id_of,
)


def exchanged() -> web.Request:
    request = make_mocked_request("GET", "/")
    request[EXCHANGE] = Exchange("id-1")
    return request


def test_facts_are_kept_and_later_ones_win() -> None:
    request = exchanged()
    note(request, outcome="miss", key="a")
    note(request, outcome="hit")
    assert exchange_of(request).facts == {"outcome": "hit", "key": "a"}


def test_the_id_is_at_hand() -> None:
    assert request_id_of(exchanged()) == "id-1"


def test_bytes_from_the_writer_and_from_beside_it_add_up() -> None:
    request = exchanged()
    exchange_of(request).count_body(10, 300)
    note_raw_body(request, 5)
    assert exchange_of(request).body_bytes == 15


def test_a_request_of_no_application_has_none() -> None:
    with pytest.raises(KeyError):
        exchange_of(make_mocked_request("GET", "/"))
