"""Owners look, change, take along and leave; a password is asked for what cannot be undone."""

from __future__ import annotations

from tests.helpers.people import PASSWORD, mails
from tests.origin.domains.accounts.conftest import House

ME = "/v1/accounts/me"


async def test_new_password_needs_the_old_and_signs_other_devices_out(house: House) -> None:
    tv = await house.register("anna@example.org")
    phone = await house.sign_in("anna@example.org")
    asked = {"password": "another password", "current_password": "wrong"}
    assert (await tv.call("PATCH", ME, asked)).code == "wrong-password"
    asked["current_password"] = PASSWORD
    assert (await tv.call("PATCH", ME, {**asked, "password": "short"})).code == "bad-password"
    assert (await tv.call("PATCH", ME, asked)).status == 200
    assert (await tv.call("GET", ME)).status == 200
    assert (await phone.call("GET", ME)).status == 401
    login = {"email": "anna@example.org", "password": "another password"}
    assert (await house.nobody().call("POST", "/v1/sessions", login)).status == 201


async def test_address_changes_by_the_link_that_the_new_one_gets(house: House) -> None:
    anna = await house.register("anna@example.org")
    await house.register("ben@example.org")
    asked = {"email": "Anna@other.example", "current_password": PASSWORD, "language": "de"}
    answer = await anna.call("PATCH", ME, asked)
    assert (answer.body["email"], answer.body["language"]) == ("anna@example.org", "de")
    taken = await anna.call("PATCH", ME, asked | {"email": "ben@example.org"})
    assert (taken.status, taken.body) == (answer.status, answer.body)
    token = (await mails(house.database, "account.verify"))[-1].token
    assert (await anna.call("POST", "/v1/accounts/verify", {"token": token})).status == 200
    assert (await anna.call("GET", ME)).body["email"] == "Anna@other.example"
    assert (await house.sign_in("anna@other.example")).account == anna.account


async def test_export_holds_everything(house: House) -> None:
    anna = await house.register("anna@example.org")
    await anna.call("POST", "/v1/profiles", {"name": "Kim", "pin": "1234"})
    kept = (await anna.call("GET", f"{ME}/export")).body
    assert kept["account"]["email"] == "anna@example.org"
    assert [profile["name"] for profile in kept["profiles"]] == ["Kim"]
    assert len(kept["devices"]) == 1
    assert "hash" not in str(kept)
    assert "argon2" not in str(kept)


async def test_who_leaves_is_gone_and_may_come_again(house: House) -> None:
    anna = await house.register("anna@example.org")
    assert (await anna.call("DELETE", ME, {"password": "wrong one"})).code == "wrong-password"
    assert (await anna.call("DELETE", ME, {"password": PASSWORD})).status == 204
    assert (await anna.call("GET", ME)).status == 401
    assert await mails(house.database) == []
    again = await house.register("anna@example.org")
    assert again.account != anna.account
