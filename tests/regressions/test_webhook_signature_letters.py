"""A webhook with a letter above 127 in its signature was our error (500).

Python refuses to compare such texts. Found by `python -m scripts.fuzz webhook`.
"""

from __future__ import annotations

import pytest

from config.service import Payments, StripeWebhook
from origin.domains.payments.gateway import SignatureError, Stripe

pytest.importorskip("stripe", reason="needs the extra `pay`")


@pytest.mark.parametrize("signature", ["t=1,v1=\u00f6", "t=1,v1=\udcf6", "\u0663"])
async def test_it_is_a_signature_like_any_other_wrong_one(signature: str) -> None:
    stripe = Stripe(Payments((), "sk_test", webhook=StripeWebhook("whsec_test")))
    with pytest.raises(SignatureError):
        stripe.read_event(b"{}", signature)
    await stripe.close()
