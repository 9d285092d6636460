"""Makes every file of a package, in the order in which a player would ask for them.

Decides which files there are and what they are called; how a file is laid out, cut or encoded is
decided elsewhere. Runs inside the packaging process.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from origin.packaging.boxes import ReadAt, UnplayableError
from origin.packaging.codecs import read_audio_format, read_video_format
from origin.packaging.cuts import (
    Interval,
    Timeline,
    cut_at_syncs,
    cut_by_time,
    lay_timelines,
    starts_of,
)
from origin.packaging.headers import read_movie
from origin.packaging.judge import frame_rate, pick_video
from origin.packaging.layout import plan_film, plan_track
from origin.packaging.outputs import Output, write_file, write_plan, write_playlists
from origin.packaging.renditions import (
    INDEXED,
    MANIFEST,
    MASTER,
    Package,
    Picture,
    Sound,
    Steering,
    Subtitle,
    describe_package,
)
from origin.packaging.samples import Movie
from origin.packaging.webvtt import format_thumbnails

FILM: Final = "film.mp4"
POSTER: Final = "poster.jpg"
STORYBOARD: Final = "storyboard.jpg"
THUMBNAILS: Final = "thumbnails.vtt"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator and the title ask for."""

    segment_seconds: float = 4.0
    rungs: tuple[str, ...] = ()
    pictures: bool = True
    router_url: str = ""
    prefix: str = ""
    subtitles: tuple[tuple[str, str, str], ...] = ()
    """Language, label, text."""

    @classmethod
    def parse(cls, members: dict[str, Any]) -> Self:
        """From the JSON object of a job."""
        return cls(
            segment_seconds=float(members["segment_seconds"]),
            rungs=tuple(members["rungs"]),
            pictures=bool(members["pictures"]),
            router_url=members["router_url"],
            prefix=members["prefix"],
            subtitles=tuple((a, b, c) for a, b, c in members["subtitles"]),
        )

    @property
    def steering(self) -> Steering | None:
        """Where players ask for edges, when there is a router."""
        return Steering(self.router_url, self.prefix) if self.router_url else None


@dataclass(frozen=True, slots=True)
class Assembly:
    """One film being packaged."""

    movie: Movie
    read: ReadAt
    open_file: Callable[[], Any]
    scratch: Path
    output: Output


def assemble(assembly: Assembly, settings: Settings, *, has_decoder: bool) -> dict[str, Any]:
    """Write all files; the JSON members that describe them. Raises UnplayableError."""
    movie = assembly.movie
    track = pick_video(movie)
    lines = lay_timelines(movie, track)
    video = lines[track.track_id]
    cuts = cut_at_syncs(track, settings.segment_seconds)
    sounds = [lines[each.track_id] for each in movie.of_kind("soun")]
    films = [_write_film(assembly, video, cuts, sounds)]
    heard = [
        _write_sound(assembly, sound, number, video, cuts) for number, sound in enumerate(sounds, 1)
    ]
    if has_decoder and settings.rungs:
        films += _write_rungs(assembly, settings, video, cuts)
    subtitles = _write_subtitles(assembly.output, settings)
    package = Package(tuple(films), tuple(heard), tuple(subtitles), _seconds(video))
    write_playlists(assembly.output, package, settings.steering)
    described: dict[str, Any] = {
        "progressive": FILM,
        "hls": MASTER,
        "dash": MANIFEST,
        "dash_indexed": INDEXED,
        **describe_package(package),
    }
    if has_decoder and settings.pictures:
        described |= _write_pictures(assembly)
    assembly.output.progress(1.0)
    return described


def _seconds(line: Timeline) -> float:
    return float(line.seconds(line.decode_times()[-1]))


def _write_film(
    assembly: Assembly, video: Timeline, cuts: list[Interval], sounds: list[Timeline]
) -> Picture:
    plan = plan_film(video, cuts, sounds[:1])
    write_plan(assembly.output, FILM, plan, assembly.read, 0.0, 0.8)
    picture = read_video_format(video.track.description)
    return Picture(FILM, picture, frame_rate(video.track), plan)


def _write_sound(
    assembly: Assembly, line: Timeline, number: int, video: Timeline, cuts: list[Interval]
) -> Sound:
    plan = plan_track(line, cut_by_time(line, starts_of(video, cuts)))
    name = f"audio-{number}.m4a"
    write_plan(assembly.output, name, plan, assembly.read, 0.8, 0.9)
    return Sound(name, read_audio_format(line.track.description), line.track.language, plan)


def _write_rungs(
    assembly: Assembly, settings: Settings, video: Timeline, cuts: list[Interval]
) -> list[Picture]:
    ladder = importlib.import_module("origin.packaging.ladder")
    height = read_video_format(video.track.description).height
    names = ladder.rungs_below(settings.rungs, height)
    targets = {name: assembly.scratch / f"{name}.mp4" for name in names}
    if not targets:
        return []
    starts = starts_of(video, cuts)
    ladder.encode_rungs(assembly.open_file(), "mp4", targets, starts, assembly.output.progress)
    return [_write_rung(assembly, name, path, len(cuts)) for name, path in targets.items()]


def _write_rung(assembly: Assembly, rung: str, path: Path, segments: int) -> Picture:
    """One rung; players change between rungs at segments, so it must have as many as the film."""
    with path.open("rb") as file:

        def read(start: int, stop: int) -> bytes:
            file.seek(start)
            return file.read(stop - start)

        movie = read_movie(read, path.stat().st_size)
        track = pick_video(movie)
        line = lay_timelines(movie, track)[track.track_id]
        rung_cuts = cut_at_syncs(track, 0)
        if len(rung_cuts) != segments:
            raise UnplayableError(f"the rendition {rung} cannot be cut where the film is cut")
        plan = plan_track(line, rung_cuts)
        name = f"video-{rung}.mp4"
        write_plan(assembly.output, name, plan, read, 0.9, 0.95)
    return Picture(name, read_video_format(track.description), frame_rate(track), plan)


def _write_subtitles(output: Output, settings: Settings) -> list[Subtitle]:
    subtitles = []
    for number, (language, label, text) in enumerate(settings.subtitles, 1):
        subtitle = Subtitle(f"subtitles-{number}.vtt", language, label)
        write_file(output, subtitle.name, text.encode())
        subtitles.append(subtitle)
    return subtitles


def _write_pictures(assembly: Assembly) -> dict[str, Any]:
    decode = importlib.import_module("origin.packaging.decode")
    write_file(assembly.output, POSTER, decode.take_poster(assembly.open_file(), "mp4"))
    board = decode.take_storyboard(assembly.open_file(), "mp4")
    write_file(assembly.output, STORYBOARD, board.jpeg)
    columns = min(decode.TILE_COLUMNS, len(board.moments) - 1)
    cues = format_thumbnails(
        STORYBOARD, board.moments, board.tile_width, board.tile_height, max(1, columns)
    )
    write_file(assembly.output, THUMBNAILS, cues.encode())
    return {"poster": POSTER, "storyboard": STORYBOARD, "thumbnails": THUMBNAILS}
