"""Signing in over HTTP: body or cookie, wrong and right, once more and no more."""

from __future__ import annotations

import pytest
from aiohttp import CookieJar

from tests.helpers.people import PASSWORD, Person
from tests.origin.domains.accounts.conftest import House

REFRESH = "/v1/sessions/refresh"


async def test_tokens_follow_each_other_until_an_old_one_comes_back(house: House) -> None:
    person = await house.register("anna@example.org")
    thief = Person(person.client, "", refresh=person.refresh)
    for _ in range(3):
        person.take(await person.call("POST", REFRESH, {"refresh_token": person.refresh}))
        assert (await person.call("GET", "/v1/sessions")).status == 200
    house.clock.advance(20)
    answer = await thief.call("POST", REFRESH, {"refresh_token": thief.refresh})
    assert (answer.status, answer.code) == (401, "session-ended")
    assert (await person.call("GET", "/v1/sessions")).status == 401
    answer = await person.call("POST", REFRESH, {"refresh_token": person.refresh})
    assert answer.code == "session-ended"


async def test_known_and_unknown_address_get_one_answer(house: House) -> None:
    await house.register("anna@example.org")
    answers = [
        await house.nobody().call("POST", "/v1/sessions", {"email": email, "password": "wrong-one"})
        for email in ("anna@example.org", "nobody@example.org")
    ]
    for answer in answers:
        answer.body.pop("instance")
    assert answers[0].body == answers[1].body
    assert {answer.status for answer in answers} == {403}
    names = [set(answer.headers) for answer in answers]
    assert names[0] == names[1]


async def test_browser_keeps_the_refresh_token_where_no_script_reads_it(house: House) -> None:
    await house.register("anna@example.org")
    assert isinstance(house.origin.client.cookie_jar, CookieJar)
    house.origin.client.cookie_jar._unsafe = True  # the origin's name is an address
    asked = {"email": "anna@example.org", "password": PASSWORD, "cookie": True}
    nobody = house.nobody()
    assert (await nobody.call("POST", "/v1/sessions", asked)).code == "cross-site"
    ours = {"Sec_Fetch_Site": "same-origin"}
    answer = await nobody.call("POST", "/v1/sessions", asked, **ours)
    assert answer.status == 201
    assert "refresh_token" not in answer.body
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    # Written by hand: over http the jar withholds what is Secure.
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    answer = await nobody.call("POST", REFRESH, {"cookie": True}, Cookie=cookie)
    assert answer.code == "cross-site"
    answer = await nobody.call("POST", REFRESH, {"cookie": True}, Cookie=cookie, **ours)
    assert answer.status == 200
    nobody.take(answer)
    assert (await nobody.call("GET", "/v1/sessions")).status == 200
    answer = await nobody.call("DELETE", "/v1/sessions/current")
    assert 'cinedge_session=""' in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/titles/x"])
async def test_any_other_bearer_is_nobody(house: House, path: str) -> None:
    stranger = Person(house.origin.client, "", access="a.b.c")
    assert (await stranger.call("GET", path)).status in (401, 404)
