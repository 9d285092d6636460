"""How titles play, as players tell: on the edge's admin address, and as figures.

GET  /v1/players    all titles that were told of, those with most reports first      200
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from cdnkit.cmcd import OBJECT_TYPES, STREAM_TYPES
from cdnkit.playing import BUFFER_BOUNDS_MS, OTHER, Measures, describe, total_of
from cdnkit.service.operations import JSON_TYPE, Answer, operation
from cdnkit.wire import PLAYERS_PATH

if TYPE_CHECKING:
    from edge.scoreboard import Tally

_SCOPE: Final = "operate"
_COUNTS: Final = {
    "reports": "Requests in which a player told how it plays, of those that were read.",
    "unheard": "Such requests that were passed over because there were too many to read.",
    "sessions": "Sessions that were told of, once for each title.",
    "starved_sessions": "Sessions whose buffer ran empty at least once.",
    "starved": "Reports that the buffer ran empty.",
    "startup": "Requests for what was needed at once: to begin, seek or recover.",
    "failed": "Reports of a failure of the player.",
}
_RATES: Final = {
    "throughput_kbps": ("throughput", "Throughput that players measured."),
    "bitrate_kbps": ("bitrate", "Bitrate of what was asked for."),
    "top_kbps": ("top_bitrate", "Highest bitrate that the player may ask for."),
}
UNHEARD: Final = ("", "unheard")
"""Title and measure of what was passed over."""
Players = Mapping[tuple[str, str], int]


def by_title(players: Players) -> dict[str, Measures]:
    """The measures of each title."""
    titles: dict[str, Measures] = {}
    for (title, measure), count in players.items():
        if (title, measure) != UNHEARD:
            titles.setdefault(title, Counter())[measure] += count
    return titles


def with_fewer_titles(players: Players, titles_max: int) -> Counter[tuple[str, str]]:
    """The same with the titles of most reports; what the others had counts under OTHER."""
    titles = by_title(players)
    ordered = sorted(titles, key=lambda title: (-titles[title]["reports"], title))
    gone = set(ordered[titles_max:]) - {OTHER}
    fewer: Counter[tuple[str, str]] = Counter()
    for (title, measure), count in players.items():
        is_gone = title in gone and (title, measure) != UNHEARD
        fewer[OTHER if is_gone else title, measure] += count
    return fewer


def describe_players(players: Players) -> dict[str, Any]:
    """All of it as members of JSON."""
    titles = by_title(players)
    ordered = sorted(titles, key=lambda title: (-titles[title]["reports"], title))
    return {
        "unheard": players.get(UNHEARD, 0),
        "all": describe(total_of(titles.values())),
        "titles": [{"title": title, **describe(titles[title])} for title in ordered],
    }


def player_metrics(players: Players) -> Iterable[Metric]:
    """The sums over titles, which are too many for labels."""
    total = total_of(by_title(players).values())
    total["unheard"] = players.get(UNHEARD, 0)
    for name, doc in _COUNTS.items():
        yield CounterMetricFamily(f"cinedge_edge_player_{name}", doc, value=total[name])
    for prefix, known in (("stream", STREAM_TYPES), ("object", OBJECT_TYPES)):
        told = CounterMetricFamily(
            f"cinedge_edge_player_{prefix}s", f"Reports by CMCD's {prefix} type.", labels=("type",)
        )
        for each in known:
            told.add_metric((each,), total[f"{prefix}_{each}"])
        yield told
    for measure, (name, doc) in _RATES.items():
        yield SummaryMetricFamily(
            f"cinedge_edge_player_{name}_bits_per_second",
            doc,
            count_value=total[f"{measure}_count"],
            sum_value=total[f"{measure}_sum"] * 1000,
        )
    below, buckets = 0, []
    for bound in (*BUFFER_BOUNDS_MS, "inf"):
        below += total[f"buffer_le_{bound}"]
        buckets.append(("+Inf" if isinstance(bound, str) else str(bound / 1000), float(below)))
    yield HistogramMetricFamily(
        "cinedge_edge_player_buffer_seconds",
        "What players had in their buffers.",
        buckets=buckets,
        sum_value=total["buffer_ms_sum"] / 1000,
    )


@dataclass(frozen=True, slots=True)
class PlayersDesk:
    """The handler. `authorize` raises unless the caller may look."""

    node: str
    authorize: Callable[[web.Request, str], str]
    tally: Tally

    def routes(self) -> list[web.RouteDef]:
        """What to mount."""
        return [web.get(PLAYERS_PATH, self.get_players)]

    @operation(
        answers={200: Answer("By title and in all.", None, JSON_TYPE)},
        scope=_SCOPE,
        enforce=False,
        tag="players",
    )
    async def get_players(self, request: web.Request) -> web.Response:
        """How titles play, since the edge was started."""
        self.authorize(request, _SCOPE)
        since = round(self.tally.began_at, 3)
        told = describe_players(self.tally.of_all().players)
        body = {"node": self.node, "counting_since": since, **told}
        return web.json_response(body, headers={"Cache-Control": "no-store"})
