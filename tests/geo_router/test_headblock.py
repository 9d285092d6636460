"""Header blocks that change nothing about a redirect, and those that might."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_router.headblock import is_plain


@pytest.mark.parametrize(
    "lines",
    [
        "Host: a",
        "Host: a:80|Range: bytes=0-9|User-Agent: x (y)",
        "HOST: [::1]:8080|Accept: */*|Connection: keep-alive",
        "Host: a|Accept: application/json, */*",
        "Host: a|CMCD-Session: sid=%22x%22",
        'Host: a|sec-ch-ua: "Chromium";v="131"|sec-ch-ua-mobile: ?0|sec-ch-ua-platform: "Linux"',
        "Host: a|Upgrade-Insecure-Requests: 1|Sec-Fetch-User: ?1|Sec-GPC: 1|Save-Data: on",
        "Host: a|X-Playback-Session-Id: 3C7|Icy-MetaData: 0",
        'Host: a|Cookie: a=b|If-None-Match: "x"|If-Modified-Since: yesterday',
    ],
)
def test_harmless_fields_pass(lines: str) -> None:
    assert is_plain((lines.replace("|", "\r\n") + "\r\n\r\n").encode())


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Accept: */*",
        "Host: a|Host: a",
        "Host: a b",
        "Host: u@a",
        "Host: a|Accept: application/json",
        "Host: a|Connection: close",
        "Host: a|X-Forwarded-For: 192.0.2.1",
        "Host: a|Forwarded: for=192.0.2.1",
        "Host: a|Content-Length: 0",
        "Host: a|Transfer-Encoding: chunked",
        "Host: a|Expect: 100-continue",
        "Host: a|Upgrade: h2c",
        "Host: a|X-Request-Id: abc",
        "Host: a| folded",
        "Host : a",
        "Host: a|Range: bytes=0-9||GET / HTTP/1.1|Host: a",
        "Host: a\x00",
        "Host: a\nX-Evil: 1",
        "Host: a|User-Agent: \xff",
    ],
)
def test_anything_else_is_for_somebody_else(lines: str) -> None:
    assert not is_plain((lines.replace("|", "\r\n") + "\r\n\r\n").encode("latin-1"))


@given(st.binary(max_size=200))
def test_nothing_breaks_it(block: bytes) -> None:
    assert is_plain(block) in (True, False)
    assert not is_plain(b"Host: a\r\n" + block) or block.endswith(b"\r\n\r\n") or block == b"\r\n"
