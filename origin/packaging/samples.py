"""A track as columns: where each sample lies, how long it lasts, when it shows, whether it is a
sync sample.

Columns of machine integers, because a long film has half a million samples. Filled by `tables`
and `fragments`; knows nothing of how the file wrote them.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from typing import Final

SAMPLES_MAX: Final = 8_000_000
"""Over all tracks: a day of film at 60 pictures a second."""


@dataclass(slots=True)
class Samples:
    """Columns of equal length, in decoding order; times in ticks of the track."""

    offsets: array[int] = field(default_factory=lambda: array("Q"))
    sizes: array[int] = field(default_factory=lambda: array("Q"))
    durations: array[int] = field(default_factory=lambda: array("Q"))
    shifts: array[int] = field(default_factory=lambda: array("q"))
    """From decoding to showing (ISO/IEC 14496-12 8.6.1.3)."""
    syncs: bytearray = field(default_factory=bytearray)
    first_ticks: int = 0
    """Decoding time of the first sample."""

    def __len__(self) -> int:
        return len(self.sizes)

    def decode_times(self) -> array[int]:
        """When each sample is decoded, and behind the last one the end of the track."""
        return array("Q", accumulate(self.durations, initial=self.first_ticks))

    @property
    def duration_ticks(self) -> int:
        """All durations."""
        return sum(self.durations)

    @property
    def size_bytes(self) -> int:
        """All sizes."""
        return sum(self.sizes)


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edit list says, as far as we follow one: wait, then begin inside the media."""

    delay: Fraction = Fraction(0)
    """Seconds in which nothing of the track is shown."""
    media_ticks: int = 0
    """First moment of the media that is shown."""


@dataclass(frozen=True, slots=True)
class Track:
    """One track of a movie: what a player must be told, and its samples."""

    track_id: int
    handler: str
    """`vide`, `soun` or whatever else the file holds."""
    timescale: int
    language: str
    width: int
    height: int
    matrix: bytes
    description: bytes
    """The `stsd` box as it was."""
    edit: Edit
    samples: Samples

    @property
    def duration_seconds(self) -> float:
        """How long its media lasts."""
        return self.samples.duration_ticks / self.timescale

    @property
    def bits_per_second(self) -> int:
        """On average."""
        seconds = self.duration_seconds
        return int(self.samples.size_bytes * 8 / seconds) if seconds else 0


@dataclass(frozen=True, slots=True)
class Movie:
    """All tracks that have samples."""

    brand: str
    tracks: tuple[Track, ...]
    fragmented: bool
    moov_first: bool

    def of_kind(self, handler: str) -> list[Track]:
        """Tracks with a handler."""
        return [track for track in self.tracks if track.handler == handler]
