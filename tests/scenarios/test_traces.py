"""One request, one trace: router, edge, shield and origin as real processes, and a collector."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from cdnkit.tokens import Claims, sign
from cdnkit.trace_context import trace_of_request
from scripts.demo_topology import HOST, free_ports
from tests.helpers.cluster import Cluster, client
from tests.helpers.collector import Collector, Told
from tests.helpers.processes import wait_until

MIB: Final = 1024 * 1024
FILM: Final = random.Random(48).randbytes(3 * MIB + 5)
SECRET: Final = "a-key-of-thirty-two-characters!!"
TOKEN: Final = sign(Claims("k", "/films/", 2**40), {"k": SECRET.encode()})
BELIEVED: Final = "127.2.0.1"
TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
PLAYER: Final = "b7ad6b7169203331"
SAMPLED: Final = {"traceparent": f"00-{TRACE}-{PLAYER}-01", "tracestate": "player=1"}


def shielded(endpoint: str, ratio: float, believe: list[str]) -> Callable[[dict[str, Any]], None]:
    """Edges of two workers, one site with a shield, and traces."""

    def edit(document: dict[str, Any]) -> None:
        document["sites"] = [{**document["sites"][0], "shields": ["shield"]}]
        document["geo"] = {"default_site": "fra"}
        document["routes"] = [{"prefix": "/", "token": True}]
        document["token_keys"] = [{"id": "k", "secret": SECRET}]
        document["edges"] = document["edges"][:1]
        document["edges"][0] |= {"site": "fra", "workers": 2}
        (port,) = free_ports(1)
        document["edges"].append(
            {
                "name": "shield",
                "site": "fra",
                "role": "shield",
                "listen": f"{HOST}:{port}",
                "disks": [{"path": "cache/shield", "size_bytes": "1GiB"}],
            }
        )
        document["tracing"] = {
            "endpoint": endpoint,
            "sample_ratio": ratio,
            "believe": believe,
        }

    return edit


def put_films(cluster: Cluster) -> None:
    for number in range(6):
        cluster.put(f"films/{number}.mp4", FILM, "video/mp4")


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as started:
        yield started


@pytest.fixture(scope="module")
def cluster(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Records everything, and believes some viewers only."""
    edit = shielded(collector.url, 1.0, [f"{BELIEVED}/32"])
    with Cluster(tmp_path_factory.mktemp("cluster"), edit) as started:
        put_films(started)
        yield started


def play(
    cluster: Cluster, number: int, address: str = "127.0.0.1", **fields: str
) -> httpx.Response:
    """By way of the router, as a player does that keeps its fields."""
    url = f"{cluster.router}/~{TOKEN}/films/{number}.mp4?session=of-somebody"
    with client(address) as player:
        answer = player.get(url, headers=fields)
    assert answer.content == FILM
    return answer


def spans_of(collector: Collector, trace: str, *tiers: str) -> list[Told]:
    """A trace once the requests of these tiers are in it."""

    def is_whole() -> bool:
        spans = collector.of_trace(trace)
        known = {span.span for span in spans} | {PLAYER, ""}
        return set(tiers) <= {span.node for span in spans if is_request(span)} and all(
            span.parent in known for span in spans
        )

    wait_until(is_whole, f"{tiers} have sent their spans", 20)
    return collector.of_trace(trace)


def is_request(span: Told) -> bool:
    return "cinedge.request_id" in span.facts


def ancestors(spans: list[Told], of: Told) -> list[Told]:
    """From a span up to the first of its trace that was recorded."""
    by_id = {span.span: span for span in spans}
    found = []
    while of.parent in by_id:
        of = by_id[of.parent]
        found.append(of)
    return found


def test_a_film_through_all_tiers_is_one_trace_with_the_right_parents(
    cluster: Cluster, collector: Collector
) -> None:
    play(cluster, 0, BELIEVED, **SAMPLED)
    tiers = ("router", "edge-fra", "shield", "origin")
    spans = spans_of(collector, TRACE, *tiers)
    (router,) = (span for span in spans if span.tier == "router")
    assert router.parent == PLAYER
    assert router.facts["cinedge.edge"] == "edge-fra"
    first = [span for span in spans if span.parent == PLAYER and span.node == "edge-fra"]
    assert len(first) == 1
    edge = first[0]
    assert edge.facts["cinedge.outcome"] == "miss"
    assert edge.facts["cinedge.miss_class"] == "cold"
    assert edge.facts["cinedge.complete"] is True
    at_origin = [span for span in spans if span.node == "origin" and is_request(span)]
    assert at_origin
    for span in at_origin:
        above = ancestors(spans, span)
        nodes = [each.node for each in above]
        assert nodes == sorted(nodes, key=["shield", "edge-fra"].index), nodes
        assert {"shield", "edge-fra"} == set(nodes)
        assert above[-1] == edge
        # Whoever asks another process says so: the other's parent is that very question.
        assert above[0].name == "ask"
        assert above[0].facts["http.response.status_code"] in (200, 206)
    names = {span.name for span in spans}
    assert names >= {"look up", "ask", "fill", "read store"}
    assert all(span.state == "player=1" for span in spans)


def test_a_viewer_who_is_believed_may_wish_not_to_be_recorded(
    cluster: Cluster, collector: Collector
) -> None:
    unsampled, sampled = "1" * 32, "2" * 32
    play(cluster, 1, BELIEVED, traceparent=f"00-{unsampled}-{PLAYER}-00")
    play(cluster, 1, BELIEVED, traceparent=f"00-{sampled}-{PLAYER}-01")
    spans_of(collector, sampled, "router", "edge-fra")
    assert not collector.of_trace(unsampled)


def test_viewers_who_are_not_believed_choose_no_trace_but_are_found_by_their_request_id(
    cluster: Cluster, collector: Collector
) -> None:
    trace = "3" * 32
    fields = {"traceparent": f"00-{trace}-{PLAYER}-01", "X-Request-Id": "support-case-7"}
    answer = play(cluster, 2, "127.0.0.1", **fields)
    assert answer.headers["x-request-id"] == "support-case-7"
    own = f"{trace_of_request('support-case-7'):032x}"
    spans = spans_of(collector, own, "router", "edge-fra", "shield", "origin")
    assert not collector.of_trace(trace)
    assert all(span.parent != PLAYER for span in spans)
    first = [span for span in spans if not span.parent]
    assert sorted(span.node for span in first) == ["edge-fra", "router"]


def test_hits_are_recorded_by_the_ratio_and_say_nothing_of_the_viewer(
    cluster: Cluster, collector: Collector
) -> None:
    play(cluster, 4)
    before = len(collector.spans)

    def hits() -> list[Told]:
        found = collector.spans[before:]
        return [span for span in found if span.facts.get("cinedge.outcome") == "hit"]

    for _ in range(8):
        play(cluster, 4)
    wait_until(lambda: len(hits()) >= 8, "every hit has sent its span", 20)
    told = b"".join(collector.bodies)
    assert b"of-somebody" not in told
    assert TOKEN.encode() not in told
    # Workers ask each other for what is behind the token.
    paths = {span.facts["url.path"] for span in hits()}
    assert paths <= {"/~[redacted]/films/4.mp4", "/films/4.mp4"}
    assert len(paths) >= 1


def test_a_collector_that_is_away_hurts_nobody(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with Cluster(tmp_path, shielded(f"http://{HOST}:{port}/v1/traces", 1.0, [])) as cluster:
        put_films(cluster)
        for number in range(30):
            assert play(cluster, number % 6).status_code == 200
        words = "traces do not arrive"
        wait_until(
            lambda: any(words in line for line in cluster.processes["edge-fra"].stderr),
            "the edge says so",
            30,
        )
        for name in cluster.processes:
            cluster.processes[name].ask_to_stop()
        assert {running.end() for running in cluster.processes.values()} == {0}
