"""Processes for scenarios."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.scenario.world import Nursery


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where processes of the product come from."""
    with Nursery() as started:
        yield started
