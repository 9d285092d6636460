"""What an HTTP cache must do, item by item: the conversations of tests/vectors, over raw sockets.

docs/conformance/protocol-items.md says which item stands where.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from config.caching import Caching
from tests.edge.conftest import Plan
from tests.helpers.clock import FakeClock
from tests.helpers.conversations import Conversation
from tests.helpers.vectors import case_id, load_vectors

pytestmark = pytest.mark.both_forms

FILES = (
    "conversations_storing",
    "conversations_freshness",
    "conversations_reuse",
    "conversations_ranges",
    "conversations_messages",
)
CASES = [case for name in FILES for case in load_vectors(name)]


@pytest.mark.parametrize("case", CASES, ids=case_id)
async def test_the_conversation_goes_as_the_standard_says(case: dict[str, Any], plan: Plan) -> None:
    clock = FakeClock()
    caching = Caching(**{"profile": "rfc", **case.get("caching", {})})
    async with replace(plan.but(caching=caching), now=clock).start() as edge:
        await Conversation(case, edge, clock).run()


def test_every_item_of_the_list_has_a_case() -> None:
    assert {case["item"] for case in CASES} >= set(range(1, 35))
