"""What follows from a topology alone."""

from __future__ import annotations

from dataclasses import replace

from config.pacing import Pacing
from config.topology import AccessToken, Address, Route
from edge.rulebook import grants_of, rules_of
from tests.edge.conftest import Plan


async def test_the_lane_repeats_at_once_where_no_connection_is_special(plan: Plan) -> None:
    topology = plan.topology()
    assert rules_of(plan.node(), topology, plan.now).repeats_at_once
    paced = replace(topology, routes=(Route("/", upstream=("http://o",), pacing=Pacing()),))
    assert not rules_of(plan.node(), paced, plan.now).repeats_at_once


async def test_health_is_told_to_viewers_where_nobody_else_can_ask(plan: Plan) -> None:
    assert rules_of(plan.node(), plan.topology(), plan.now).answers_health
    operated = replace(plan.node(), admin=Address("127.0.0.1", 1))
    assert not rules_of(operated, plan.topology(), plan.now).answers_health


def test_grants_are_the_tokens_of_the_topology(plan: Plan) -> None:
    topology = replace(plan.topology(), access_tokens=(AccessToken("ann", ("operate",), "s"),))
    assert grants_of(topology) == {"s": ("ann", ("operate",))}
