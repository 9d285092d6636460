"""Which title a path belongs to."""

from __future__ import annotations

import pytest

from cdnkit.titles import NAME_LENGTH_MAX, counted_title, key_of, title_of


@pytest.mark.parametrize(
    ("path", "key", "title"),
    [
        ("/films/a.mp4", "films/a.mp4", "films/a.mp4"),
        ("/~[redacted]/films/a.mp4?t=1", "films/a.mp4", "films/a.mp4"),
        ("/play/dive/2/master.m3u8", "play/dive/2/master.m3u8", "dive"),
        ("/play/dive", "play/dive", "play/dive"),
        ("", "", ""),
    ],
)
def test_a_path_has_a_key_and_a_title(path: str, key: str, title: str) -> None:
    assert (key_of(path), title_of(path)) == (key, title)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/films/a.mp4?x=1", "films/a.mp4"),
        ("/" + "a" * NAME_LENGTH_MAX, "a" * NAME_LENGTH_MAX),
        ("/a" + "a" * NAME_LENGTH_MAX, ""),
    ],
)
def test_a_name_that_is_too_long_is_counted_without_one(path: str, title: str) -> None:
    assert counted_title(path) == title
