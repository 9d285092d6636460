"""How objects are described."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from cdnkit.errors import BadKeyError
from origin.catalog.records import ObjectRow
from origin.object_views import describe, key_of

ROW = ObjectRow("a/b", 2, 1, 5, 65536, "video/mp4", "00" * 32, '"2-00"', 784_111_777.0)


def test_description_has_the_public_facts_and_a_whole_url() -> None:
    request = make_mocked_request("GET", "/v1/content", headers={"Host": "o.example:8000"})
    body = describe(request, ROW, "")
    assert body["url"] == "http://o.example:8000/v1/content/a/b"
    assert body["last_modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert "stored_generation" not in body
    assert describe(request, ROW, "https://cdn.example")["url"].startswith("https://cdn.example/")


def test_key_is_read_as_it_was_sent() -> None:
    assert key_of(make_mocked_request("GET", "/v1/content/a/b?x=1")) == "a/b"
    with pytest.raises(BadKeyError):
        key_of(make_mocked_request("GET", "/v1/content/a%2Fb"))
