"""What handlers take from a request."""

from __future__ import annotations

from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from cdnkit.validators import Validators
from origin.requests import fields_of, is_not_modified


def test_lines_of_one_field_are_joined_under_its_lower_case_name() -> None:
    headers = CIMultiDict([("If-None-Match", '"a"'), ("IF-NONE-MATCH", '"b"'), ("Host", "h")])
    request = make_mocked_request("GET", "/", headers=headers)
    assert fields_of(request) == {"if-none-match": '"a", "b"', "host": "h"}
    assert is_not_modified(request, Validators('"b"'))
    assert not is_not_modified(request, Validators('"c"'))
