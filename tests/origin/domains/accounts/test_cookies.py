"""The cookie is for pages of the site, and for no script and no other path."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from origin.domains.accounts import cookies
from origin.domains.accounts.refusals import CrossSiteError

SITE = "https://films.example"


@pytest.mark.parametrize(
    ("fields", "is_ours"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": SITE}, False),
        ({"Origin": SITE}, True),
        ({"Origin": "http://here:80"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_only_pages_of_the_site_use_it(fields: dict[str, str], is_ours: bool) -> None:
    request = make_mocked_request("POST", "/v1/sessions/refresh", {"Host": "here:80", **fields})
    if is_ours:
        cookies.require_same_site(request, SITE)
        return
    with pytest.raises(CrossSiteError):
        cookies.require_same_site(request, SITE)


def test_no_script_and_no_other_site_reads_it() -> None:
    answer = web.Response()
    cookies.keep_cookie(answer, "token", 60.0, SITE)
    said = answer.cookies[cookies.NAME].OutputString()
    for word in ("HttpOnly", "SameSite=Strict", "Path=/v1/sessions", "Secure", "Max-Age=60"):
        assert word in said
    plain = web.Response()
    cookies.keep_cookie(plain, "token", 60.0, "http://127.0.0.1:8000")
    assert "Secure" not in plain.cookies[cookies.NAME].OutputString()
    cookies.drop_cookie(plain)
    assert "Max-Age=0" in plain.cookies[cookies.NAME].OutputString()


def test_cookie_is_read_back() -> None:
    request = make_mocked_request("POST", "/", {"Cookie": f"{cookies.NAME}=abc"})
    assert cookies.read_cookie(request) == "abc"
    assert cookies.read_cookie(make_mocked_request("POST", "/")) == ""
