"""Plans are found by our name and by Stripe's."""

from __future__ import annotations

import pytest

from origin.domains.payments.plans import Plans, UnknownPlanError
from tests.helpers.localstripe import PLANS

ALL = Plans(PLANS)


def test_price_is_the_one_of_the_currency_or_the_first() -> None:
    assert ALL.price("basic", "usd").amount_minor == 1099
    assert ALL.price("basic", "").currency == "eur"


@pytest.mark.parametrize(("plan", "currency"), [("none", ""), ("premium", "usd")])
def test_what_has_no_price_is_refused(plan: str, currency: str) -> None:
    with pytest.raises(UnknownPlanError):
        ALL.price(plan, currency)


def test_plan_is_known_by_the_name_of_any_of_its_prices() -> None:
    found = ALL.by_stripe("basic-usd")
    assert found is ALL.find("basic")
    assert ALL.by_stripe("elsewhere") is None
