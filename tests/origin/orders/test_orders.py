"""From what is asked to what the journal tells."""

from __future__ import annotations

from typing import Any

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.wire import ChangeKind
from origin.catalog.jobs import Jobs
from origin.catalog.orders import Orders
from origin.orders.orders import KNOWN_SECONDS, Maker
from origin.orders.titles import TitleParts
from tests.origin.conftest import RunningOrigin


def maker_of(origin: RunningOrigin) -> tuple[Maker, Orders]:
    catalog = origin.parts.catalog
    orders = Orders(catalog, origin.clock)
    titles = TitleParts(catalog, Jobs(catalog.database, origin.clock))
    return Maker(orders, titles, (), origin.clock), orders


async def test_a_title_is_told_as_keys_and_prefixes(origin: RunningOrigin) -> None:
    body = b'{"title": "A", "subtitles": [{"key": "s.vtt"}]}'
    async with origin.client.put("/v1/titles/a", data=body) as answer:
        assert answer.status == 201
    maker, _ = maker_of(origin)
    given = await maker.make(ChangeKind.PURGE, {"title": "a", "prefix": "x/"})
    assert given.detail["keys"] == ["s.vtt"]
    assert given.detail["prefixes"] == ["x/", "play/a/"]


async def test_an_edge_away_for_long_is_not_waited_for(origin: RunningOrigin) -> None:
    maker, orders = maker_of(origin)
    await orders.saw({"e1"})
    assert (await maker.make(ChangeKind.PURGE, {"all": True})).edges == ("e1",)
    origin.clock.advance(KNOWN_SECONDS + 1)
    assert (await maker.make(ChangeKind.PURGE, {"all": True})).edges == ()


@pytest.mark.parametrize("kind", [ChangeKind.PUBLISH, ChangeKind.DELETE])
async def test_what_is_no_order_cannot_be_given(origin: RunningOrigin, kind: Any) -> None:
    with pytest.raises(BadRequestError):
        await maker_of(origin)[0].make(kind, {})
