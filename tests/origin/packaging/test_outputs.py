"""Files are handed over whole, in an order in which none names one that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin.packaging import outputs
from tests.origin.packaging.conftest import Films
from tests.origin.packaging.shelf import Folder
from tests.origin.packaging.worlds import pack


def test_plan_is_written_in_gathered_pieces(
    films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "GATHER_BYTES", 5000)
    packed = pack(films.data("plain.mp4"))
    folder = Folder(tmp_path)
    read = lambda start, stop: packed.source[start:stop]  # noqa: E731
    outputs.write_plan(folder, "film.mp4", packed.film, read, 0.2, 0.6)
    assert (tmp_path / "film.mp4").read_bytes() == packed.film_bytes
    assert folder.done == sorted(folder.done)
    assert 0.2 < folder.done[0] < folder.done[-1] <= 0.6


def test_playlists_that_name_others_come_last(films: Films, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    outputs.write_playlists(folder, pack(films.data("two.mp4")).package(), None)
    assert folder.names == [
        *("film.m3u8", "audio-1.m3u8", "audio-2.m3u8", "subtitles-1.m3u8"),
        *("manifest.mpd", "indexed.mpd", "master.m3u8"),
    ]
