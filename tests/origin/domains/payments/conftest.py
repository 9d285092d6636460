"""Payments against a real localstripe, whose customers are each test's own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from origin.catalog.database import Database
from origin.domains.payments.app import Payments, open_payments
from tests.helpers.localstripe import Localstripe, running_localstripe

_accounts = count(1)


@pytest.fixture(scope="session")
def localstripe() -> Iterator[Localstripe]:
    """One process for all tests."""
    with running_localstripe() as running:
        yield running


@pytest.fixture
def account() -> str:
    """An account that no other test has: idempotency keys of customers bear its name."""
    return f"account-{next(_accounts)}"


@pytest.fixture
async def payments(database: Database, localstripe: Localstripe) -> AsyncIterator[Payments]:
    """The domain, opened, without its work in the background."""
    opened = open_payments(localstripe.settings(), database, print, time.time)
    yield opened
    await opened.stripe.close()
