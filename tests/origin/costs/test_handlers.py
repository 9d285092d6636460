"""Costs over real connections: who may, what is told, in which form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from cdnkit.titles import NAME_LENGTH_MAX
from config.keeping import Costs, Prices
from config.topology import AccessToken, Topology
from edge.bookkeeping import LOT_ROWS_MAX
from origin.app import COSTS
from origin.costs import declared
from origin.costs.declared import BYTES_MAX, ROWS_MAX
from tests.origin.conftest import RunningOrigin, StartOrigin

TOKENS = tuple(
    AccessToken(scope, (scope,), secret=f"{scope}-secret-of-this-test")
    for scope in ("operate", "edge")
)
COSTS_SET = Costs("USD", days_kept=10, traffic_prices=Prices(edge_terabyte=1_000_000.0))
TOPOLOGY = Topology(access_tokens=TOKENS, costs=COSTS_SET)
TODAY = "2027-01-15"


@pytest.fixture
async def origin(start_origin: StartOrigin) -> AsyncIterator[RunningOrigin]:
    async with start_origin(TOPOLOGY, open_uploads=False) as running:
        yield running


def bearer(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {scope}-secret-of-this-test"} if scope else {}


async def tell(origin: RunningOrigin, lot: str, *rows: tuple[str, str, int]) -> int:
    said = [{"day": day, "title": title, "kind": "edge", "bytes": n} for day, title, n in rows]
    body = {"lot": f"{lot}-1", "edge": "e1", "rows": said}
    async with origin.client.post("/v1/traffic", json=body, headers=bearer("edge")) as answer:
        return answer.status


async def ask(
    origin: RunningOrigin,
    path: str = "/v1/costs",
    scope: str = "operate",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str, Any]:
    asked = {**bearer(scope), **(headers or {})}
    async with origin.client.get(path, headers=asked) as answer:
        is_json = "json" in answer.content_type
        said = await answer.json(content_type=None) if is_json else await answer.text()
        return answer.status, answer.content_type, said


async def test_what_edges_tell_is_shown_with_its_cost(origin: RunningOrigin) -> None:
    assert await tell(origin, "1", (TODAY, "a", 2_000_000), (TODAY, "", 1_000_000)) == 204
    assert await tell(origin, "1", (TODAY, "a", 2_000_000)) == 204
    status, _, said = await ask(origin)
    assert status == 200
    assert (said["from"], said["to"], said["currency"]) == ("2026-12-17", TODAY, "USD")
    assert [(row["key"], row["edge_bytes"], row["cost"]) for row in said["items"]] == [
        ("a", 2_000_000, 2.0),
        ("", 1_000_000, 1.0),
    ]
    assert (said["total"]["edge_bytes"], said["total"]["cost"]) == (3_000_000, 3.0)


async def test_days_come_in_their_order_and_only_those_asked_for(origin: RunningOrigin) -> None:
    days = ["2027-01-12", "2027-01-13", "2027-01-14", TODAY]
    await tell(origin, "1", *((day, "a", 10 - number) for number, day in enumerate(days)))
    _, _, said = await ask(origin, f"/v1/costs?by=day&from={days[1]}&to={days[2]}")
    assert [row["key"] for row in said["items"]] == days[1:3]
    _, _, said = await ask(origin, "/v1/costs?by=edge&limit=1")
    assert [(row["key"], row["edge_bytes"]) for row in said["items"]] == [("e1", 34)]


async def test_rows_that_are_not_shown_are_in_the_total(origin: RunningOrigin) -> None:
    await tell(origin, "1", *((TODAY, name, 5) for name in "abc"))
    _, _, said = await ask(origin, "/v1/costs?limit=1")
    assert (len(said["items"]), said["left_out"], said["total"]["edge_bytes"]) == (1, 2, 15)


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/v1/costs.csv", ""), ("/v1/costs", "text/csv"), ("/v1/costs", "text/csv;q=0.9, */*;q=0.1")],
)
async def test_a_spreadsheet_gets_csv(origin: RunningOrigin, path: str, accept: str) -> None:
    await tell(origin, "1", (TODAY, "a", 2_000_000))
    headers = {"Accept": accept} if accept else {}
    status, content_type, text = await ask(origin, path, headers=headers)
    assert (status, content_type) == (200, "text/csv")
    assert text.splitlines()[1] == "a,2000000,0,0,0,0,0,2.000000"


async def test_csv_has_every_row_unless_fewer_are_wanted(
    origin: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "LIMIT_DEFAULT", 1)
    monkeypatch.setattr(declared, "LIMIT_MAX", 1)
    await tell(origin, "1", *((TODAY, name, 5) for name in "abc"))
    assert len((await ask(origin))[2]["items"]) == 1
    assert len((await ask(origin, "/v1/costs.csv"))[2].splitlines()) == 1 + 3
    assert len((await ask(origin, "/v1/costs.csv?limit=1"))[2].splitlines()) == 1 + 1


async def test_thirty_days_before_the_first_there_is_none(origin: RunningOrigin) -> None:
    status, _, said = await ask(origin, "/v1/costs?to=0001-01-03")
    assert (status, said["from"], said["to"]) == (200, "0001-01-01", "0001-01-03")


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        ("/v1/costs", "", 401),
        ("/v1/costs.csv", "edge", 403),
        ("/v1/costs?by=viewer", "operate", 400),
        ("/v1/costs?from=yesterday", "operate", 400),
        ("/v1/costs?from=2027-01-02&to=2027-01-01", "operate", 400),
        ("/v1/costs?limit=0", "operate", 400),
        ("/v1/costs?since=2027-01-01", "operate", 400),
    ],
)
async def test_others_and_bad_questions_get_a_problem(
    origin: RunningOrigin, path: str, scope: str, status: int
) -> None:
    assert (await ask(origin, path, scope))[:2] == (status, "application/problem+json")


ROW = {"day": TODAY, "title": "a", "kind": "fill-warm", "bytes": 7}


def lot(**changes: Any) -> dict[str, Any]:
    return {"lot": "x-1", "edge": "e1", "rows": [{**ROW, **changes}]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**lot(), "lot": ""},
        {**lot(), "lot": "x" * 200 + "-1"},
        {**lot(), "lot": "x"},
        {**lot(), "lot": "-1"},
        {**lot(), "lot": "x-" + "9" * 16},
        {**lot(), "lot": "x-1\n"},
        {**lot(), "edge": 3},
        {**lot(), "more": 1},
        {**lot(), "rows": {}},
        {**lot(), "rows": [ROW] * (ROWS_MAX + 1)},
        {**lot(), "rows": [3]},
        lot(day="2026-1-1"),
        lot(day="20261129"),
        lot(day="2026-02-30"),
        lot(day=None),
        lot(title="a" * (NAME_LENGTH_MAX + 1)),
        lot(title="a\0"),
        lot(title=None),
        lot(kind="fill"),
        lot(kind=[]),
        lot(bytes=0),
        lot(bytes=-1),
        lot(bytes=True),
        lot(bytes=1.5),
        lot(bytes="7"),
        lot(bytes=BYTES_MAX + 1),
    ],
)
async def test_what_is_no_lot_is_refused_whole(origin: RunningOrigin, body: dict[str, Any]) -> None:
    async with origin.client.post("/v1/traffic", json=body, headers=bearer("edge")) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
    assert (await ask(origin))[2]["items"] == []


async def test_a_lot_is_as_long_as_an_edge_may_make_it(origin: RunningOrigin) -> None:
    rows = [
        {**ROW, "title": f"{number:03}" + "é" * (NAME_LENGTH_MAX - 3)}
        for number in range(LOT_ROWS_MAX)
    ]
    async with origin.client.post(
        "/v1/traffic", json={**lot(), "rows": rows}, headers=bearer("edge")
    ) as answer:
        assert answer.status == 204


async def test_who_is_no_edge_cannot_tell_anything(origin: RunningOrigin) -> None:
    for scope, status in (("", 401), ("operate", 403)):
        async with origin.client.post("/v1/traffic", json={}, headers=bearer(scope)) as answer:
            assert answer.status == status
    async with origin.client.post("/v1/traffic", json={}, headers=bearer("edge")) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_days_that_are_too_old_are_forgotten(origin: RunningOrigin) -> None:
    await tell(origin, "1", ("2027-01-05", "a", 1), ("2027-01-06", "a", 2))
    await origin.app[COSTS].clean()
    _, _, said = await ask(origin, "/v1/costs?by=day")
    assert [row["key"] for row in said["items"]] == ["2027-01-06"]


async def test_other_prices_hold_for_what_was_counted_before(origin: RunningOrigin) -> None:
    await tell(origin, "1", (TODAY, "a", 1_000_000))
    prices = replace(COSTS_SET, currency="EUR", traffic_prices=Prices(edge_terabyte=5e6))
    origin.app[COSTS].adopt(replace(TOPOLOGY, costs=prices))
    _, _, said = await ask(origin)
    assert (said["currency"], said["total"]["cost"]) == ("EUR", 5.0)
