"""Every operation of the origin, asked by everybody; everything of accounts, asked by others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.authorisation import (
    Thing,
    everybody,
    mistakes_of_owners,
    mistakes_of_roles,
    open_operations,
    operations_of,
)
from tests.origin.domains.accounts.conftest import House

OURS = ("accounts", "sessions", "profiles")
OPEN = {
    "POST /v1/accounts",
    "POST /v1/accounts/verify",
    "POST /v1/accounts/reset",
    "POST /v1/accounts/reset/confirm",
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
}


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Who may ask what does not differ by database."""
    return f"sqlite:///{tmp_path}/rows.sqlite"


async def test_anybody_may_ask_only_what_needs_no_session(house: House) -> None:
    assert open_operations(operations_of(house.origin.app, OURS)) == OPEN


async def test_everybody_is_let_in_or_kept_out_as_declared(house: House) -> None:
    operations = operations_of(house.origin.app)
    assert len(operations) > 40
    callers = await everybody(house.origin.client, house.database)
    assert await mistakes_of_roles(operations, callers, {}) == []


async def test_things_of_others_are_not_there(house: House) -> None:
    callers = await everybody(house.origin.client, house.database)
    anna = await house.register("anna@example.org")
    (device,) = (await anna.call("GET", "/v1/sessions")).body["items"]
    profile = (await anna.call("POST", "/v1/profiles", {"name": "Kim"})).body
    things = [
        Thing("DELETE", f"/v1/sessions/{device['id']}"),
        Thing("PATCH", f"/v1/profiles/{profile['id']}", {"name": "Mine"}),
        Thing("DELETE", f"/v1/profiles/{profile['id']}"),
        Thing("POST", "/v1/sessions/profile", {"profile_id": profile["id"]}),
    ]
    signed_in = [caller for caller in callers if caller.role is not None]
    assert await mistakes_of_owners(things, signed_in) == []
    kept = (await anna.call("GET", "/v1/accounts/me/export")).body
    assert kept["profiles"] == [profile]
    assert len(kept["devices"]) == 1
    for caller in signed_in:
        seen = (await caller.person.call("GET", "/v1/accounts/me/export")).body
        assert anna.account not in str(seen)
