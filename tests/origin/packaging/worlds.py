"""A packaged film in memory: what tests of layout, playlists and indexes have in common."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from origin.packaging.codecs import read_audio_format, read_video_format
from origin.packaging.cuts import (
    Interval,
    Timeline,
    cut_at_syncs,
    cut_by_time,
    lay_timelines,
    starts_of,
)
from origin.packaging.judge import frame_rate, pick_video
from origin.packaging.layout import Plan, plan_film, plan_track
from origin.packaging.renditions import Package, Picture, Sound, Subtitle
from tests.origin.packaging.conftest import movie_of


@dataclass(frozen=True, slots=True)
class Packed:
    """Plans and the bytes they make."""

    video: Timeline
    sounds: tuple[Timeline, ...]
    cuts: list[Interval]
    film: Plan
    tracks: tuple[Plan, ...]
    source: bytes

    @property
    def film_bytes(self) -> bytes:
        """The film with its three faces."""
        return write(self.film, self.source)

    def package(self) -> Package:
        """What playlists are made of."""
        picture = read_video_format(self.video.track.description)
        sounds = [
            Sound(f"audio-{number}.m4a", read_audio_format(line.track.description), "eng", plan)
            for number, (line, plan) in enumerate(zip(self.sounds, self.tracks, strict=True), 1)
        ]
        rate = frame_rate(self.video.track)
        return Package(
            (Picture("film.mp4", picture, rate, self.film),),
            tuple(sounds),
            (Subtitle("subtitles-1.vtt", "en", "English & more"),),
            6.0,
        )


def pack(source: bytes, seconds: float = 2.0) -> Packed:
    """Plan everything for a film."""
    movie = movie_of(source)
    track = pick_video(movie)
    lines = lay_timelines(movie, track)
    video = lines[track.track_id]
    cuts = cut_at_syncs(track, seconds)
    sounds = tuple(lines[each.track_id] for each in movie.of_kind("soun"))
    moments: list[Fraction] = starts_of(video, cuts)
    return Packed(
        video,
        sounds,
        cuts,
        plan_film(video, cuts, sounds[:1]),
        tuple(plan_track(line, cut_by_time(line, moments)) for line in sounds),
        source,
    )


def write(plan: Plan, source: bytes) -> bytes:
    """The file of a plan."""
    return b"".join(
        piece if isinstance(piece, bytes) else source[piece[0] : piece[1]] for piece in plan.pieces
    )
