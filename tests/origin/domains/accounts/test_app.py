"""An origin knows its people: viewers for handlers, scopes for operators, two processes as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdnkit.service.viewers import Role
from tests.helpers.people import Person, join
from tests.origin.conftest import NewDatabase
from tests.origin.domains.accounts.conftest import House, OpenHouse


async def test_role_carries_its_scopes(house: House) -> None:
    wanted = {
        Role.VIEWER: (403, 403),
        Role.INTEGRATOR: (201, 403),
        Role.OPERATOR: (403, 400),
        Role.ADMIN: (200, 400),
    }
    for role, statuses in wanted.items():
        email = f"{role}@a.org"
        person = await join(house.origin.client, house.database, email, role, profile=False)
        upload = await person.call("PUT", "/v1/titles/t", {"title": "T"})
        purge = await person.call("POST", "/v1/purge", {"nonsense": True})
        assert (upload.status, purge.status) == statuses, role


async def test_token_is_good_at_every_origin_of_the_database(
    open_house: OpenHouse, new_database: NewDatabase
) -> None:
    url = new_database()
    async with open_house(url) as first:
        person = await first.register("anna@example.org")
    async with open_house(url) as second:
        there = Person(second.origin.client, person.email, access=person.access)
        assert (await there.call("GET", "/v1/sessions")).status == 200


async def test_no_secret_is_logged(
    open_house: OpenHouse, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with open_house() as house:
        person = await join(house.origin.client, house.database, "anna@a.org", Role.ADMIN)
        refused = {"email": "anna@a.org", "password": "a-wrong-password"}
        await house.nobody().call("POST", "/v1/sessions", refused)
        await person.call("POST", "/v1/sessions/refresh", {"refresh_token": person.refresh})
        await person.call("PUT", "/v1/titles/t", {"title": "T"})
        await person.call("POST", "/v1/accounts/verify", {"token": "not-a-good-token"})
    said = "".join(capfd.readouterr())
    assert "audit" in said
    secrets = (person.access, person.refresh, "correct horse", "a-wrong-password", "not-a-good")
    assert [secret for secret in secrets if secret in said] == []
