"""A process that dies by SIGKILL right after Stripe has charged, before any row says so.

Run as a program: `DATABASE_URL STRIPE_URL ACCOUNT`. Subscribes the account to "basic".
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from origin.catalog.database import open_database, parse_database_url
from origin.domains.payments.app import open_payments
from origin.domains.payments.gateway import Stripe
from tests.helpers.localstripe import Localstripe


async def main(database_url: str, stripe_url: str, account: str) -> None:
    """Never returns."""
    subscribe = Stripe.subscribe

    async def subscribe_and_die(
        self: Stripe, customer: str, stripe_plan: str, trial_days: int, operation: str
    ) -> None:
        await subscribe(self, customer, stripe_plan, trial_days, operation)
        os.kill(os.getpid(), signal.SIGKILL)

    Stripe.subscribe = subscribe_and_die  # type: ignore[method-assign]
    database = await open_database(parse_database_url(database_url, Path()))
    settings = Localstripe(stripe_url).settings()
    payments = open_payments(settings, database, print, time.time)
    asked = {"stripe_plan": "basic-eur", "trial_days": 0}
    await payments.reconciler.desk.do(account, "subscribe", asked)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
