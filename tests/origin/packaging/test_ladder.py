"""Rungs begin their segments where they are told to."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from origin.packaging.boxes import UnplayableError
from origin.packaging.source import SourceFile
from tests.origin.packaging.conftest import Films, movie_of

pytest.importorskip("av")
ladder = pytest.importorskip("origin.packaging.ladder")


def test_only_smaller_rungs_are_made_the_largest_first() -> None:
    assert ladder.rungs_below(["240p", "1080p", "480p"], 720) == ["480p", "240p"]


def test_sync_samples_are_those_that_were_asked_for(
    films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ladder.RUNGS, "240p", (54, 100_000))
    data = films.data("plain.mp4")
    source = SourceFile(lambda start, stop: data[start:stop], len(data))
    target = tmp_path / "rung.mp4"
    starts = [Fraction(0), Fraction(9, 5), Fraction(5)]
    done: list[float] = []
    ladder.encode_rungs(source, "mp4", {"240p": target}, starts, done.append)
    (track,) = movie_of(target.read_bytes()).tracks
    syncs = [number for number, sync in enumerate(track.samples.syncs) if sync]
    assert syncs == [0, 45, 125]
    assert (track.width, track.height, len(track.samples)) == (96, 54, 150)
    assert done == sorted(done)


def test_film_that_cannot_be_decoded_is_refused(films: Films, tmp_path: Path) -> None:
    with pytest.raises(UnplayableError):
        ladder.encode_rungs(
            SourceFile(lambda start, stop: bytes(stop - start), 500),
            "mp4",
            {"240p": tmp_path / "a.mp4"},
            [Fraction(0)],
            lambda _: None,
        )
