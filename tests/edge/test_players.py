"""What players told, as JSON and as figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import aiohttp
from prometheus_client import CollectorRegistry, generate_latest

from cdnkit.playing import OTHER
from config.topology import Address
from edge.players import UNHEARD, by_title, describe_players, with_fewer_titles
from edge.telemetry import EdgeCollector
from edge.totals import Totals
from tests.edge.conftest import BLOCK, Plan, eventually, on_disk

PLAYERS = Counter(
    {
        ("a", "reports"): 3,
        ("a", "sessions"): 2,
        ("a", "starved_sessions"): 1,
        ("b", "reports"): 5,
        ("b", "buffer_le_500"): 4,
        ("b", "buffer_le_inf"): 1,
        ("b", "buffer_ms_sum"): 70_000,
        ("b", "bitrate_kbps_sum"): 3000,
        ("b", "bitrate_kbps_count"): 2,
        UNHEARD: 7,
    }
)


def test_titles_come_with_most_reports_first() -> None:
    told = describe_players(PLAYERS)
    assert [(each["title"], each["reports"]) for each in told["titles"]] == [("b", 5), ("a", 3)]
    assert (told["all"]["reports"], told["unheard"]) == (8, 7)
    assert told["titles"][1]["rebuffering"] == 0.5
    assert set(by_title(PLAYERS)) == {"a", "b"}


def test_of_fewer_titles_no_report_is_lost() -> None:
    told = Counter({(title, "reports"): number for number, title in enumerate(("", *"abcd"), 1)})
    told[OTHER, "reports"] = 7
    told[UNHEARD] = 3
    fewer = with_fewer_titles(told, 2)
    assert fewer == {("d", "reports"): 5, (OTHER, "reports"): 17, UNHEARD: 3}
    assert with_fewer_titles(fewer, 2) == fewer
    assert with_fewer_titles(told, 1) == {(OTHER, "reports"): 22, UNHEARD: 3}


def test_figures_have_no_titles() -> None:
    registry = CollectorRegistry()
    registry.register(EdgeCollector(lambda: replace(_empty(), players=PLAYERS)))
    text = generate_latest(registry).decode()
    assert "cinedge_edge_player_reports_total 8.0" in text
    assert "cinedge_edge_player_unheard_total 7.0" in text
    assert 'cinedge_edge_player_buffer_seconds_bucket{le="0.5"} 4.0' in text
    assert 'cinedge_edge_player_buffer_seconds_bucket{le="+Inf"} 5.0' in text
    assert "cinedge_edge_player_buffer_seconds_sum 70.0" in text
    assert "cinedge_edge_player_bitrate_bits_per_second_sum 3e+06" in text
    assert 'title="' not in text


def _empty() -> Totals:
    return Totals()


async def test_an_edge_shows_how_its_titles_play(plan: Plan) -> None:
    plan.origin.put("/film", bytes(3 * BLOCK))
    plan.admin = Address("127.0.0.1", 0)
    async with plan.start() as edge:
        client = await edge.client()
        for number in range(12):
            lines = ("Range: bytes=0-99", f"CMCD-Request: bl={number}00", 'CMCD-Session: sid="s"')
            starved = ("CMCD-Status: bs",) if number == 5 else ()
            await client.ask("/film", *lines, *starved)
            await on_disk(edge, 2)
        await client.ask("/film?CMCD=bl%3D100%2Csid%3D%22t%22", "Range: bytes=0-99")
        assert edge.worker.lane._number

        def is_read() -> bool:
            return edge.worker.lane._telling == 0

        await eventually(is_read, "the lane's heads are read")
        url = f"{edge.worker.admin_url}/v1/players"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            told = await answer.json()
    (film,) = told["titles"]
    assert (film["title"], film["reports"], film["sessions"]) == ("film", 13, 2)
    assert (film["starved"], film["rebuffering"]) == (1, 0.5)
