from __future__ import annotations

import pytest

from edge.cache.index import BlockIndex
from edge.cache.policy.named import POLICIES, Rule, order_maker, parse_rule
from tests.edge.cache.policy.replay import replay


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("admission", ["", "+second"])
def test_every_name_makes_a_rule_that_keeps_to_its_bytes(policy: str, admission: str) -> None:
    rule = parse_rule(policy + admission, 100.0, 100.0)
    assert str(rule) == policy + admission
    index = BlockIndex(5, order_maker(rule))
    replay(index, [(number % 9, block) for number in range(40) for block in range(number % 4)])
    assert index.held_bytes == len(index) == 5
    while index.pop(0) is not None:
        pass
    assert (len(index), index.held_bytes) == (0, 0)


@pytest.mark.parametrize("text", ["", "belady", "lru+", "lru+third", "lru+second+second"])
def test_a_name_that_is_none_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="there are"):
        parse_rule(text, 1.0, 1.0)


def test_a_rule_that_was_not_parsed_is_refused_as_well() -> None:
    with pytest.raises(ValueError, match="belady"):
        BlockIndex(1, order_maker(Rule("belady")))
