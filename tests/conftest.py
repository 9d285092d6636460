"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from scripts import demo_topology
from tests.helpers.clock import FakeClock

# How long one example takes says how busy the machine is, and nothing about the claim.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def _take_turns(ports: range, worker: str, workers: int) -> range:
    """The ports of one of several test processes, which would meet now and then by chance."""
    return ports[int(worker.removeprefix("gw")) :: workers]


if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    workers = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    demo_topology.PORT_RANGE = _take_turns(demo_topology.PORT_RANGE, worker, workers)


@pytest.fixture
def clock() -> FakeClock:
    """Time that stands still until the test moves it."""
    return FakeClock()
