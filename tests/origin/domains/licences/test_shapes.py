"""What is no licence is refused with the place of the mistake."""

from __future__ import annotations

import json

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.service.binding import check_shape
from origin.domains.licences.shapes import LicenceBody


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"title_id": "Film"}, "title_id"),
        ({"title_id": "film", "territories": ["de"]}, "territories"),
        ({"title_id": "film", "starts_at": 5.0, "ends_at": 5.0}, "not after"),
        ({"title_id": "film", "height_max": -1}, "height_max"),
        ({"title_id": "film", "more": 1}, "more"),
        ({}, "title_id"),
    ],
)
def test_broken_licence_is_refused(given: object, said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        check_shape(json.dumps(given).encode(), LicenceBody)


def test_licence_of_a_title_alone_allows_everything() -> None:
    body = check_shape(b'{"title_id":"film"}', LicenceBody)
    assert (body.territories, body.starts_at, body.ends_at, body.plans) == ([], 0.0, None, [])
