from __future__ import annotations

from config.caching import Caching, UpstreamTls
from config.shape import fields_of


def test_left_out_every_choice_is_the_profiles() -> None:
    caching = Caching()
    assert caching.profile == "cdn"
    choices = [field for field in fields_of(Caching) if field.name != "profile"]
    assert all(field.optional and field.default is None for field in choices)


def test_upstreams_are_verified_against_the_system_unless_told_otherwise() -> None:
    assert UpstreamTls() == UpstreamTls(ca="", name="")
