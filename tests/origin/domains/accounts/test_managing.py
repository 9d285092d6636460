"""Operators find accounts, admins change them, and a change reaches every device at once."""

from __future__ import annotations

from cdnkit.service.viewers import Role
from tests.helpers.people import PASSWORD, join
from tests.origin.domains.accounts.conftest import House


async def test_role_and_lock_reach_every_device(house: House) -> None:
    client, database = house.origin.client, house.database
    admin = await join(client, database, "admin@a.org", Role.ADMIN, profile=False)
    anna = await house.register("anna@a.org")
    found = await admin.call("GET", "/v1/accounts?email=ANNA@a.org")
    (item,) = found.body["items"]
    assert (item["id"], item["role"], item["locked"]) == (anna.account, "viewer", False)
    path = f"/v1/accounts/{anna.account}"
    assert (await admin.call("PATCH", path, {"role": "operator"})).body["role"] == "operator"
    assert (await anna.call("GET", "/v1/accounts/me")).status == 401
    asked = {"refresh_token": anna.refresh}
    anna.take(await anna.call("POST", "/v1/sessions/refresh", asked))
    assert (await anna.call("GET", "/v1/accounts?limit=1")).body["next"] is not None
    assert (await anna.call("PATCH", path, {"role": "admin"})).status == 403
    assert (await admin.call("PATCH", path, {"locked": True})).body["locked"]
    assert (await anna.call("GET", "/v1/accounts/me")).status == 401
    login = {"email": "anna@a.org", "password": PASSWORD}
    assert (await anna.call("POST", "/v1/sessions", login)).code == "account-locked"
    assert (await admin.call("PATCH", path, {"locked": False})).status == 200
    assert (await anna.call("POST", "/v1/sessions", login)).status == 201
    assert (await admin.call("PATCH", "/v1/accounts/nobody", {})).status == 404


async def test_listing_goes_on_where_it_stopped(house: House) -> None:
    client, database = house.origin.client, house.database
    operator = await join(client, database, "op@a.org", Role.OPERATOR, profile=False)
    for name in "bcd":
        await house.register(f"{name}@a.org")
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await operator.call("GET", f"/v1/accounts?limit=2&after={after}")).body
        seen += [item["email"] for item in page["items"]]
        after = page["next"]
    assert sorted(seen) == ["b@a.org", "c@a.org", "d@a.org", "op@a.org"]
