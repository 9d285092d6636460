"""Where a film is cut: one timeline for all tracks, segments at sync samples, pieces inside them.

The timeline begins with the first picture. What waits or is lifted is written into the decoding
times of the fragments. One edit stays, from the first sample that shows: it takes back how long
pictures wait for each other and what an audio encoder puts in front. (Negative shifts would need no
edit, but FFmpeg's reader shows such fragments later than their sound.)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeAlias

from origin.packaging.boxes import UnplayableError
from origin.packaging.samples import Movie, Track

Interval: TypeAlias = tuple[int, int]
"""Samples `[first, stop)` of a track."""

PRIMING_SECONDS_MAX: Final = 0.1
"""Sound before the beginning that decoders want in order to warm up; more is left out."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """How a track's own times become those of the film."""

    track: Track
    first: int
    """First sample that is used."""
    base_ticks: int
    """Decoding time of that sample in fragments."""
    shift_ticks: int
    """Taken from what each sample waits between decoding and showing."""
    skip_ticks: int
    """Where in the media the edit begins."""

    @property
    def lead_ticks(self) -> int:
        """How long before the edit begins the first sample would show."""
        return self.skip_ticks + self.shift_ticks - self.track.samples.shifts[self.first]

    def decode_times(self) -> list[int]:
        """Decoding time of every sample and the end, counted from the first one used."""
        times = self.track.samples.decode_times()
        zero = times[self.first]
        return [self.base_ticks + time - zero for time in times]

    def seconds(self, ticks: int) -> Fraction:
        """When a sample decoded at `ticks` shows that waits as long as the first one."""
        return Fraction(ticks - self.lead_ticks, self.track.timescale)


def lay_timelines(movie: Movie, video: Track) -> dict[int, Timeline]:
    """The timeline of each track by number, the first picture of `video` leading.

    Raises UnplayableError when the film does not begin with a sync sample.
    """
    if not video.samples.syncs[0]:
        raise UnplayableError("the film does not begin with a picture that stands alone")
    shown = _begin(video) + Fraction(video.samples.shifts[0], video.timescale)
    lift = -shown if shown < 0 or movie.fragmented else Fraction(0)
    lines = {video.track_id: _lay_video(video, shown + lift)}
    for track in movie.tracks:
        if track.handler == "soun":
            lines[track.track_id] = _lay_audio(track, _begin(track) + lift)
    return lines


def _begin(track: Track) -> Fraction:
    """When the first sample would show, without its own shift."""
    ticks = track.samples.first_ticks - track.edit.media_ticks
    return Fraction(ticks, track.timescale) + track.edit.delay


def _lay_video(track: Track, shown: Fraction) -> Timeline:
    waits = track.samples.shifts[0]
    return Timeline(track, 0, round(shown * track.timescale), min(waits, 0), max(waits, 0))


def _lay_audio(track: Track, begin: Fraction) -> Timeline:
    ticks = round(begin * track.timescale)
    earliest = -round(PRIMING_SECONDS_MAX * track.timescale)
    first = 0
    durations = track.samples.durations
    while ticks < earliest and first < len(durations) - 1:
        ticks += durations[first]
        first += 1
    return Timeline(track, first, max(ticks, 0), 0, max(-ticks, 0))


def cut_at_syncs(track: Track, target_seconds: float) -> list[Interval]:
    """Segments that begin at sync samples and last at least the target, but for the last."""
    samples = track.samples
    target_ticks = round(target_seconds * track.timescale)
    starts = [0]
    began = 0
    at = 0
    for number, duration in enumerate(samples.durations):
        if number and samples.syncs[number] and at - began >= target_ticks:
            starts.append(number)
            began = at
        at += duration
    return list(zip(starts, [*starts[1:], len(samples)], strict=True))


def cut_by_time(line: Timeline, moments: Sequence[Fraction]) -> list[Interval]:
    """One interval per moment: what begins at or after it and before the next; maybe empty."""
    times = line.decode_times()
    scale, lead = line.track.timescale, line.lead_ticks
    edges = [
        bisect_left(times, moment * scale + lead, line.first, len(times) - 1)
        for moment in moments[1:]
    ]
    return list(zip([line.first, *edges], [*edges, len(times) - 1], strict=True))


def starts_of(line: Timeline, intervals: Sequence[Interval]) -> list[Fraction]:
    """When each interval begins, in seconds of the film."""
    times = line.decode_times()
    return [line.seconds(times[first]) for first, _ in intervals]
