"""The address of an edge is its own, unless its workers share it."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import replace

import pytest

from config.topology import Address
from edge.listening import bind, raise_descriptor_limit
from tests.edge.conftest import Plan


def test_an_address_has_one_listener_unless_workers_share_it(plan: Plan) -> None:
    with contextlib.closing(bind(plan.node())) as first:
        taken = replace(plan.node(), listen=Address(*first.getsockname()[:2]))
        with pytest.raises(OSError, match="in use"):
            bind(taken)
    two = replace(plan.node(), workers=2)
    with contextlib.closing(bind(two)) as first:
        shared = replace(two, listen=Address(*first.getsockname()[:2]))
        bind(shared).close()


def test_all_descriptors_that_are_allowed_are_taken() -> None:
    raise_descriptor_limit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == hard
