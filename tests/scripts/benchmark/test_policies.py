from __future__ import annotations

import pytest

from scripts.benchmark.policies import measure, requests


def test_sessions_are_as_many_requests_as_were_asked_for() -> None:
    asked = list(requests(1_000, 10, 500))
    assert len(asked) == 500
    assert all(0 <= number < 200 and 0 <= block < 10 for number, block in asked)


@pytest.mark.parametrize("blocks", [1, 1_000])
def test_each_rule_is_measured_on_a_full_cache(blocks: int) -> None:
    cost, hits, _ = measure("duel", 20_000, blocks)
    assert cost > 0
    assert 0 < hits < 1
