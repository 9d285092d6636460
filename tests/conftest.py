"""Fixtures that every part of the tests may use."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.helpers.clock import FakeClock

# How long one example takes says how busy the machine is, and nothing about the claim.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def clock() -> FakeClock:
    """Time that stands still until the test moves it."""
    return FakeClock()
