"""Rendezvous placement: the recorded order, fair shares, and few moves when nodes change."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError
from cdnkit.placement import Contest, Node, place, rank

DISKS = [
    Node("disk-a", 1, "r1"),
    Node("disk-b", 2, "r1"),
    Node("disk-c", 1, "r2"),
    Node("disk-d", 0.5, "r3"),
]
RECORDED = [
    (b"", "bacd", "bcd"),
    (b"films/a.mp4#1/0", "adbc", "adc"),
    (b"films/a.mp4#1/1", "cbad", "cbd"),
    (b"\x00\xff", "bcad", "bcd"),
]

NODES = st.lists(
    st.builds(
        Node,
        name=st.text(max_size=6),
        weight=st.sampled_from([0, 0.5, 1, 2, 7.25]),
        domain=st.sampled_from(["", "r1", "r2", "r3"]),
    ),
    unique_by=lambda node: node.name,
    max_size=9,
)


def letters(nodes: list[Node]) -> str:
    return "".join(node.name[-1] for node in nodes)


def keys(count: int) -> list[bytes]:
    return [f"films/{number}.mp4".encode() for number in range(count)]


def is_near(drawn: int, share: float, of: int) -> bool:
    """Within five standard deviations of a binomial draw."""
    return abs(drawn - share * of) <= 5 * math.sqrt(of * share * (1 - share))


@given(NODES, st.booleans(), st.lists(st.binary(max_size=8), min_size=1, max_size=20))
def test_the_winner_of_a_contest_is_the_first_in_rank(
    nodes: list[Node], level: bool, asked: list[bytes]
) -> None:
    nodes = [Node(node.name, 3.0) for node in nodes] if level else nodes
    if any(node.weight > 0 for node in nodes):
        contest = Contest(nodes)
        assert all(contest.winner(key) is rank(key, nodes)[0] for key in asked)


@pytest.mark.parametrize(
    ("drawn", "winner"),
    [((0x1000, 0x1FFF), "a"), ((0x1FFF, 0x1000), "a"), ((0x1FFF, 0x2000), "b"), ((0, 9), "a")],
)
def test_draws_that_differ_in_bits_that_do_not_count_are_equal(
    drawn: tuple[int, int], winner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [Node("b"), Node("a")]
    draws = dict(zip((nodes[1]._salt, nodes[0]._salt), drawn, strict=True))
    monkeypatch.setattr("cdnkit.placement.xxhash.xxh3_64_intdigest", draws.__getitem__)
    assert Contest(nodes).winner(b"").name == rank(b"", nodes)[0].name == winner


@pytest.mark.parametrize(("key", "ranked", "placed"), RECORDED)
def test_order_is_the_recorded_one(key: bytes, ranked: str, placed: str) -> None:
    assert letters(rank(key, DISKS)) == ranked
    assert letters(place(key, DISKS, 3)) == placed


def test_another_process_agrees() -> None:
    program = (
        "from cdnkit.placement import Node, rank\n"
        "nodes = [Node(f'n{i}', 1 + i % 3) for i in range(20)]\n"
        "print(*(node.name for node in rank(b'key', nodes)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    here = rank(b"key", [Node(f"n{number}", 1 + number % 3) for number in range(20)])
    assert answer.stdout.split() == [node.name for node in here]


@given(st.binary(max_size=40), NODES)
def test_order_of_the_arguments_does_not_matter(key: bytes, nodes: list[Node]) -> None:
    assert rank(key, nodes) == rank(key, nodes[::-1])
    assert set(rank(key, nodes)) == {node for node in nodes if node.weight > 0}


@given(st.binary(max_size=40), NODES, st.data())
def test_a_node_that_leaves_takes_nobody_elses_place(
    key: bytes, nodes: list[Node], data: st.DataObject
) -> None:
    if not nodes:
        assert rank(key, nodes) == []
        return
    gone = data.draw(st.sampled_from(nodes))
    left = [node for node in nodes if node is not gone]
    assert rank(key, left) == [node for node in rank(key, nodes) if node is not gone]


@given(st.binary(max_size=40), NODES, st.integers(min_value=0, max_value=10), st.data())
def test_a_lost_copy_is_replaced_and_the_others_stay(
    key: bytes, nodes: list[Node], copies: int, data: st.DataObject
) -> None:
    before = place(key, nodes, copies)
    if not before:
        return
    gone = data.draw(st.sampled_from(before))
    after = place(key, [node for node in nodes if node is not gone], copies)
    assert {node for node in before if node is not gone} <= set(after)


@given(st.binary(max_size=40), NODES, st.integers(min_value=-1, max_value=10))
def test_copies_lie_on_distinct_nodes_and_distinct_domains_while_there_are_any(
    key: bytes, nodes: list[Node], copies: int
) -> None:
    placed = place(key, nodes, copies)
    usable = [node for node in nodes if node.weight > 0]
    assert len(placed) == len(set(placed)) == min(max(copies, 0), len(usable))
    domains = Counter(node.domain or f"alone {node.name}" for node in placed)
    possible = {node.domain or f"alone {node.name}" for node in usable}
    assert len(domains) == min(len(placed), len(possible))
    assert placed[:1] == rank(key, nodes)[: len(placed[:1])]


def test_domains_fill_evenly_before_any_takes_more() -> None:
    nodes = [Node(f"n{number}", 1, f"r{number % 3}") for number in range(12)]
    for key in keys(200):
        for copies in range(13):
            filled = Counter(node.domain for node in place(key, nodes, copies))
            counts = [filled[f"r{number}"] for number in range(3)]
            assert max(counts) - min(counts) <= 1


def test_removing_one_of_n_nodes_moves_only_its_keys() -> None:
    nodes = [Node(f"n{number}") for number in range(10)]
    moved = Counter[str]()
    for key in keys(5000):
        before, after = rank(key, nodes)[0], rank(key, nodes[1:])[0]
        if before is not after:
            moved[before.name] += 1
    assert list(moved) == ["n0"]
    assert is_near(moved["n0"], 1 / 10, 5000)


def test_adding_a_node_takes_about_its_share_from_all() -> None:
    nodes = [Node(f"n{number}") for number in range(9)]
    grown = [*nodes, Node("new")]
    losers = Counter[str]()
    for key in keys(5000):
        before, after = rank(key, nodes)[0], rank(key, grown)[0]
        if before is not after:
            assert after.name == "new"
            losers[before.name] += 1
    assert is_near(losers.total(), 1 / 10, 5000)
    assert len(losers) == 9


@pytest.mark.parametrize("weights", [(1, 1), (1, 2, 3), (0.5, 8), (10, 10, 0, 1)])
def test_shares_go_with_the_weights(weights: tuple[float, ...]) -> None:
    nodes = [Node(f"node {at}", weight) for at, weight in enumerate(weights)]
    drawn = Counter(rank(key, nodes)[0].name for key in keys(6000))
    for node in nodes:
        assert is_near(drawn[node.name], node.weight / sum(weights), 6000)


def test_more_weight_never_sends_a_key_away() -> None:
    light = [Node("a", 1), Node("b", 1), Node("c", 1)]
    heavy = [Node("a", 3), Node("b", 1), Node("c", 1)]
    for key in keys(1000):
        if rank(key, light)[0].name == "a":
            assert rank(key, heavy)[0].name == "a"


@given(st.binary(max_size=60))
def test_score_is_a_positive_number_for_any_key(key: bytes) -> None:
    assert 0 < Node("n").score(key) < math.inf


@pytest.mark.parametrize("weight", [-1, -0.001, math.nan, math.inf])
def test_impossible_weight_is_refused(weight: float) -> None:
    with pytest.raises(BadRequestError):
        Node("n", weight)


def test_node_without_weight_owns_nothing() -> None:
    assert rank(b"key", [Node("a", 0)]) == []
    assert place(b"key", [Node("a", 0), Node("b")], 2) == [Node("b")]
