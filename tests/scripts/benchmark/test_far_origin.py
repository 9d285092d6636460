"""The relay adds at least the distance and the rate it was told, and counts what went through."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator

import pytest

from scripts.benchmark.far_origin import FarOrigin
from tests.scripts.benchmark.conftest import Behaviour


@pytest.fixture
def far(little_server: Behaviour) -> Iterator[FarOrigin]:
    with FarOrigin(little_server.port) as relay:
        yield relay


def fetch(connection: http.client.HTTPConnection) -> tuple[bytes, float]:
    began = time.monotonic()
    connection.request("GET", "/film")
    body = connection.getresponse().read()
    return body, time.monotonic() - began


@pytest.fixture
def connection(far: FarOrigin) -> Iterator[http.client.HTTPConnection]:
    each = http.client.HTTPConnection("127.0.0.1", far.port, timeout=10)
    yield each
    each.close()


def test_bytes_pass_unchanged_and_are_counted_once(
    far: FarOrigin, connection: http.client.HTTPConnection, little_server: Behaviour
) -> None:
    for _ in range(3):
        assert fetch(connection)[0] == little_server.body
    pulled = far.take_counts()
    assert pulled.requests == 3
    assert 3 * len(little_server.body) < pulled.bytes < 3 * len(little_server.body) + 2000
    assert far.take_counts().requests == 0


def test_a_new_connection_costs_two_round_trips_and_an_idle_one_costs_one(
    far: FarOrigin, connection: http.client.HTTPConnection
) -> None:
    far.place(0.04, 0)
    _, first = fetch(connection)
    _, second = fetch(connection)
    assert first >= 0.08
    assert second >= 0.04


def test_all_connections_share_one_rate(
    far: FarOrigin, connection: http.client.HTTPConnection, little_server: Behaviour
) -> None:
    far.place(0, len(little_server.body) / 0.1)
    assert fetch(connection)[1] >= 0.1


def test_a_connection_that_is_hung_up_is_closed_at_once(
    far: FarOrigin, connection: http.client.HTTPConnection
) -> None:
    fetch(connection)
    far.hang_up()
    with pytest.raises((http.client.HTTPException, OSError)):
        fetch(connection)
