"""Ids of means of payment are ids; views hold what people may see."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from origin.domains.payments.cards import CardNumberError
from origin.domains.payments.shapes import NewMethod, NewRefund, PlanView, SubscriptionView
from tests.helpers.localstripe import PLANS


@pytest.mark.parametrize("id", ["", "tok_1", "pm_", "pm_a b", "pm_a/../x", "cus_1"])
def test_what_is_no_means_of_payment_is_refused(id: str) -> None:
    with pytest.raises(ValidationError):
        NewMethod(payment_method=id)


@pytest.mark.parametrize("account", ["", "a b", "\x00", "a/../b", "\u00e4"])
def test_account_that_no_database_could_hold_is_refused(account: str) -> None:
    with pytest.raises(ValidationError):
        NewRefund(account=account, invoice="in_1")


def test_card_number_in_place_of_an_id_is_refused_as_such() -> None:
    with pytest.raises(CardNumberError):
        NewMethod(payment_method="4242424242424242")


def test_plan_is_shown_without_stripes_names() -> None:
    assert "stripe" not in PlanView.of(PLANS[0]).model_dump_json()


def test_who_has_nothing_is_told_so() -> None:
    view = SubscriptionView.of(None, None)
    assert (view.state, view.entitled_until) == ("none", 0.0)
