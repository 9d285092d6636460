"""Is this movie one that can be packaged, and what is it? A Movie in, facts or a refusal out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from origin.packaging.boxes import UnplayableError
from origin.packaging.codecs import read_audio_format, read_video_format
from origin.packaging.samples import Movie, Track


def pick_video(movie: Movie) -> Track:
    """The track that is the film. Raises UnplayableError when there is none."""
    tracks = movie.of_kind("vide")
    if not tracks:
        raise UnplayableError("the file has no pictures")
    # A cover picture is a video track of one sample beside the film.
    return max(tracks, key=lambda track: len(track.samples))


def frame_rate(track: Track) -> Fraction:
    """Frames per second: exact when all last equally long, the average otherwise."""
    ticks = track.samples.duration_ticks
    if not ticks:
        raise UnplayableError("the pictures last no time")
    rate = Fraction(len(track.samples) * track.timescale, ticks)
    return rate.limit_denominator(1001)


def judge(movie: Movie, container: str) -> dict[str, Any]:
    """What the movie is, as JSON members. Raises UnplayableError with the reason."""
    video = pick_video(movie)
    picture = read_video_format(video.description)
    sounds = [(track, read_audio_format(track.description)) for track in movie.of_kind("soun")]
    codecs = dict.fromkeys([picture.codecs, *(sound.codecs for _, sound in sounds)])
    return {
        "container": container,
        "codecs": ",".join(codecs),
        "duration_seconds": round(video.duration_seconds, 3),
        "fragmented": movie.fragmented,
        "fast_start": movie.moov_first,
        "video": {
            "codecs": picture.codecs,
            "width": picture.width,
            "height": picture.height,
            "frames_per_second": round(float(frame_rate(video)), 3),
            "bits_per_second": video.bits_per_second,
            "sync_samples": sum(video.samples.syncs),
        },
        "audio": [
            {
                "codecs": sound.codecs,
                "channels": sound.channels,
                "rate_hz": sound.rate_hz,
                "language": track.language,
                "bits_per_second": track.bits_per_second,
            }
            for track, sound in sounds
        ],
    }
