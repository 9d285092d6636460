"""What asks for a playback is checked before anybody is asked."""

from __future__ import annotations

import json

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.service.binding import check_shape
from cdnkit.service.operations import Shape
from origin.domains.playback.shapes import Beat, Beginning, Playback


@pytest.mark.parametrize(
    ("shape", "given"),
    [
        (Beginning, {"title_id": "../x"}),
        (Beginning, {"title_id": "film", "device": "x" * 101}),
        (Beat, {"position_seconds": -0.1, "counter": 1}),
        (Beat, {"position_seconds": 1e7, "counter": 1}),
        (Beat, {"position_seconds": 1.0, "counter": 0}),
        (Beat, {"position_seconds": 1.0, "counter": 2**60}),
        (Beat, {"position_seconds": 1.0, "counter": 1.5}),
    ],
)
def test_nonsense_is_refused(shape: type[Shape], given: object) -> None:
    with pytest.raises(BadRequestError):
        check_shape(json.dumps(given).encode(), shape)


def test_token_is_not_shown_where_a_playback_is_printed() -> None:
    playback = Playback(
        session_id="s",
        token="secret-token",
        manifest_hls=None,
        manifest_dash=None,
        progressive="http://origin/a",
        position_seconds=0.0,
        counter=0,
        height_max=0,
        expires_at=1.0,
        ends_at=None,
        heartbeat_seconds=10.0,
    )
    assert "secret-token" not in repr(playback)
