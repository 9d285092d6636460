from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from cdnkit.freshness import CDN, RFC
from config.caching import Caching
from edge.profile import policy_from


def test_a_profile_alone_is_its_policy() -> None:
    assert policy_from(Caching()) == CDN
    assert policy_from(Caching("rfc")) == RFC


def test_every_choice_departs_from_the_profile_and_from_nothing_else() -> None:
    choices = [each.name for each in fields(Caching) if each.name != "profile"]
    for profile, policy in (("cdn", CDN), ("rfc", RFC)):
        for name in choices:
            for value in (True, False):
                choice: dict[str, Any] = {name: value}
                assert policy_from(Caching(profile, **choice)) == replace(policy, **choice)
