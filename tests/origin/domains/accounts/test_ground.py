"""Buckets are named for whom they count, and what ends is refused here at once."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from cdnkit.service.viewers import Viewer
from origin.domains.accounts.ground import Ground, name_of
from origin.domains.accounts.records import Revocation


@pytest.fixture
def database_url(tmp_path: object) -> str:
    """Nothing here differs by database."""
    return f"sqlite:///{tmp_path}/rows.sqlite"


async def test_buckets_differ_by_what_is_tried(ground: Ground) -> None:
    request = make_mocked_request("GET", "/")
    named = [*ground.network(request), *ground.failures("a@b.c"), *ground.mails("a@b.c")]
    assert [name.partition(":")[0] for name in named] == ["network", "guess", "mail"]
    (bucket,) = ground.failures("a@b.c").values()
    assert bucket.count_max == ground.settings.failures_max


async def test_revoked_tokens_are_refused_until_all_have_expired(ground: Ground) -> None:
    until = ground.tokens_end_at()
    assert until > ground.now() + ground.settings.access_seconds
    ground.revoke([Revocation(1, "sid", 1, until)])
    assert ground.gate.last_number == 0


def test_person_is_called_by_account() -> None:
    assert name_of(Viewer("anna", "sid")) == "account:anna"
