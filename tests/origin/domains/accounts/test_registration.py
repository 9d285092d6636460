"""Links make accounts, move them and give new passwords; nobody learns who has one."""

from __future__ import annotations

import pytest

from tests.helpers.people import PASSWORD, mails
from tests.origin.domains.accounts.conftest import SITE, House, OpenHouse


async def test_account_is_made_by_the_link_in_the_mail_and_by_nothing_else(house: House) -> None:
    asked = {"email": " Anna@Example.org", "password": PASSWORD, "language": "de"}
    answer = await house.nobody().call("POST", "/v1/accounts", asked)
    assert (answer.status, answer.body) == (202, {"sent": True})
    login = {"email": "anna@example.org", "password": PASSWORD}
    assert (await house.nobody().call("POST", "/v1/sessions", login)).status == 403
    (mail,) = await mails(house.database)
    assert mail.kind == "account.verify"
    assert mail.payload["link"].startswith(f"{SITE}/#/verify?token=")
    verified = await house.nobody().call("POST", "/v1/accounts/verify", {"token": mail.token})
    assert verified.status == 200
    assert verified.body["account_id"] == mail.account
    assert (await house.nobody().call("POST", "/v1/sessions", login)).status == 201
    assert [each.kind for each in await mails(house.database)][1] == "account.welcome"


async def test_link_works_once_and_not_for_ever(house: House) -> None:
    person = await house.register("anna@example.org")
    token = (await mails(house.database, "account.verify"))[0].token
    again = await house.nobody().call("POST", "/v1/accounts/verify", {"token": token})
    assert (again.status, again.code) == (400, "bad-link")
    await house.nobody().call("POST", "/v1/accounts/reset", {"email": person.email})
    token = (await mails(house.database, "account.reset"))[0].token
    wrong = await house.nobody().call("POST", "/v1/accounts/verify", {"token": token})
    assert wrong.code == "bad-link", "a link is for one thing only"
    house.clock.advance(3600)
    asked = {"token": token, "password": "another password"}
    late = await house.nobody().call("POST", "/v1/accounts/reset/confirm", asked)
    assert late.code == "bad-link"


async def test_who_registers_with_a_known_address_gets_the_same_answer(house: House) -> None:
    await house.register("anna@example.org")
    asked = {"email": "ANNA@example.org", "password": "stranger's guess"}
    known = await house.nobody().call("POST", "/v1/accounts", asked)
    unknown = await house.nobody().call("POST", "/v1/accounts", asked | {"email": "b@example.org"})
    assert (known.status, known.body) == (unknown.status, unknown.body)
    told = (await mails(house.database, "account.exists"))[0]
    assert told.payload == {"link": f"{SITE}/"}
    assert (await house.sign_in("anna@example.org")).access, "nothing has changed for her"


async def test_first_of_two_who_registered_one_address_has_it(house: House) -> None:
    for password in ("first password", "second password"):
        asked = {"email": "anna@example.org", "password": password}
        await house.nobody().call("POST", "/v1/accounts", asked)
    first, second = await mails(house.database, "account.verify")
    verify = "/v1/accounts/verify"
    assert (await house.nobody().call("POST", verify, {"token": second.token})).status == 200
    late = await house.nobody().call("POST", verify, {"token": first.token})
    assert late.code == "bad-link"


async def test_reset_changes_the_password_and_signs_all_devices_out(house: House) -> None:
    person = await house.register("anna@example.org")
    answers = [
        await house.nobody().call("POST", "/v1/accounts/reset", {"email": email})
        for email in (person.email, "nobody@example.org")
    ]
    assert [(each.status, each.body) for each in answers] == [(202, {"sent": True})] * 2
    assert len(await mails(house.database, "account.unknown")) == 1
    (mail,) = await mails(house.database, "account.reset")
    asked = {"token": mail.token, "password": "another password"}
    answer = await house.nobody().call("POST", "/v1/accounts/reset/confirm", asked)
    assert answer.status == 200
    assert (await person.call("GET", "/v1/sessions")).status == 401
    old = {"email": person.email, "password": PASSWORD}
    assert (await house.nobody().call("POST", "/v1/sessions", old)).code == "wrong-password"
    new = old | {"password": "another password"}
    assert (await house.nobody().call("POST", "/v1/sessions", new)).status == 201
    assert len(await mails(house.database, "account.password_changed")) == 1


@pytest.mark.parametrize(
    ("email", "password", "code"),
    [
        ("anna", PASSWORD, "bad-address"),
        ("anna@example.org", "short", "bad-password"),
        ("anna@example.org", "anna@example.org", "bad-password"),
        ("anna@example.org", "aaaaaaaaaaaa", "bad-password"),
        ("an\x00na@example.org", PASSWORD, "bad-request"),
    ],
)
async def test_what_cannot_be_is_refused(
    house: House, email: str, password: str, code: str
) -> None:
    asked = {"email": email, "password": password}
    answer = await house.nobody().call("POST", "/v1/accounts", asked)
    assert (answer.status, answer.code) == (400, code)


async def test_nobody_has_mails_sent_without_end(open_house: OpenHouse) -> None:
    async with open_house(mails_max=2, mail_seconds=600) as house:
        asked = {"email": "anna@example.org"}
        for _ in range(2):
            assert (await house.nobody().call("POST", "/v1/accounts/reset", asked)).status == 202
        refused = await house.nobody().call("POST", "/v1/accounts/reset", asked)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "600")
        house.clock.advance(600)
        assert (await house.nobody().call("POST", "/v1/accounts/reset", asked)).status == 202


async def test_one_network_cannot_try_without_end(open_house: OpenHouse) -> None:
    async with open_house(network_attempts_max=3, network_attempt_seconds=5) as house:
        statuses = [
            (await house.nobody().call("POST", "/v1/accounts/verify", {"token": "x"})).status
            for _ in range(4)
        ]
        assert statuses == [400, 400, 400, 429]
