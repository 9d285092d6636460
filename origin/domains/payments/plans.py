"""The plans of the topology: found by our name and by Stripe's, with the price per currency."""

from __future__ import annotations

from collections.abc import Sequence

from cdnkit.errors import BadRequestError
from config.service import Plan, Price


class UnknownPlanError(BadRequestError):
    """There is no such plan, or it has no price in this currency."""

    code = "unknown-plan"


class Plans:
    """All plans; who subscribed to one that is gone keeps it (`rules.follow`)."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.all = tuple(plans)
        self._by_id = {plan.id: plan for plan in plans}
        self._by_stripe = {price.stripe: plan for plan in plans for price in plan.prices}

    def find(self, id: str) -> Plan | None:
        """A plan by our name."""
        return self._by_id.get(id)

    def by_stripe(self, id: str) -> Plan | None:
        """A plan by the name Stripe has for one of its prices."""
        return self._by_stripe.get(id)

    def price(self, id: str, currency: str) -> Price:
        """What a plan costs in a currency; in its first when none is named.

        Raises UnknownPlanError.
        """
        plan = self.find(id)
        if plan is None:
            raise UnknownPlanError(f"there is no plan {id[:40]!r}")
        for price in plan.prices:
            if currency in ("", price.currency):
                return price
        raise UnknownPlanError(f"{id!r} has no price in {currency[:3]!r}")
