"""Columns of samples add up."""

from __future__ import annotations

from array import array

from origin.packaging.samples import Edit, Movie, Samples, Track


def make_track(handler: str = "vide", durations: tuple[int, ...] = (10, 20, 30)) -> Track:
    count = len(durations)
    samples = Samples(
        array("Q", range(count)),
        array("Q", [5] * count),
        array("Q", durations),
        array("q", [0] * count),
        bytearray(b"\1") * count,
        100,
    )
    return Track(1, handler, 60, "und", 0, 0, bytes(36), b"", Edit(), samples)


def test_decode_times_begin_with_the_first_and_end_with_the_end() -> None:
    assert list(make_track().samples.decode_times()) == [100, 110, 130, 160]


def test_rate_is_bits_over_seconds() -> None:
    track = make_track()
    assert track.duration_seconds == 1
    assert track.bits_per_second == 15 * 8
    assert make_track(durations=(0,)).bits_per_second == 0


def test_tracks_are_found_by_kind() -> None:
    video, sound = make_track(), make_track("soun")
    assert Movie("isom", (video, sound), False, True).of_kind("soun") == [sound]
