"""What a worker follows, and as whom."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from config.topology import AccessToken, OriginNode, Route, Topology
from edge.following import Following, make_following
from tests.edge.conftest import Edge, Plan

ORIGINS = tuple(
    OriginNode(name, None, "/nowhere", url=f"http://{name}")  # type: ignore[arg-type]
    for name in ("o1", "o2")
)


def following(plan: Plan, edge: Edge, topology: Topology) -> Following:
    holdings = edge.worker.holdings
    nothing = cast(Any, SimpleNamespace(refresh=None))
    return make_following(plan.node(), topology, 0, holdings, nothing, nothing, lambda: 0.0)


async def test_every_origin_is_followed_when_a_route_leads_there(plan: Plan, edge: Edge) -> None:
    topology = replace(plan.topology(), origins=ORIGINS)
    assert following(plan, edge, topology).feeds == ()
    made = following(plan, edge, replace(topology, routes=(Route("/"),)))
    assert (len(made.feeds), len(made.receipts)) == (2, 2)


@pytest.mark.parametrize(
    ("scopes", "secret"),
    [
        ([("upload",)], ""),
        ([("admin", "edge"), ("edge",)], "token-1"),
        ([("admin",)], "token-0"),
        ([], ""),
    ],
)
async def test_the_narrowest_token_is_used(
    plan: Plan, edge: Edge, scopes: list[tuple[str, ...]], secret: str
) -> None:
    tokens = tuple(
        AccessToken(f"t{number}", each, secret=f"token-{number}")
        for number, each in enumerate(scopes)
    )
    topology = replace(plan.topology(), origins=ORIGINS, routes=(Route("/"),), access_tokens=tokens)
    assert following(plan, edge, topology).feeds[0]._identity.token == secret
