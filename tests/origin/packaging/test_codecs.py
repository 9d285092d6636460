"""Sample descriptions become the strings that players compare (RFC 6381)."""

from __future__ import annotations

import struct

import pytest

from origin.packaging.boxes import UnplayableError, make_box, make_full_box
from origin.packaging.codecs import read_audio_format, read_video_format
from tests.origin.packaging.conftest import Films

VIDEO_FIELDS = bytes(24) + struct.pack(">HH", 640, 360) + bytes(50)
AUDIO_FIELDS = bytes(16) + struct.pack(">HHHHI", 2, 16, 0, 0, 48000 << 16)
ESDS = bytes.fromhex("03808080220000000480808014401500000000000000000000000580808002")
HEVC = bytes([1, 0x21, 0x60, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 93]) + bytes(10)


def stsd(*entries: bytes) -> bytes:
    return make_full_box("stsd", 0, 0, struct.pack(">I", len(entries)), *entries)


@pytest.mark.parametrize(
    ("kind", "config", "payload", "codecs"),
    [
        ("avc1", "avcC", bytes([1, 0x64, 0, 0x1F]), "avc1.64001f"),
        ("avc3", "avcC", bytes([1, 0x42, 0xE0, 0x1E]), "avc3.42e01e"),
        ("hvc1", "hvcC", HEVC, "hvc1.1.6.H93.b0"),
        ("av01", "av1C", bytes([0x81, 0x05, 0x40]), "av01.0.05M.10"),
        ("vp09", "vpcC", bytes([1, 0, 0, 0, 2, 31, 0x80]), "vp09.02.31.08"),
    ],
)
def test_pictures_have_their_string(kind: str, config: str, payload: bytes, codecs: str) -> None:
    found = read_video_format(stsd(make_box(kind, VIDEO_FIELDS, make_box(config, payload))))
    assert (found.codecs, found.width, found.height) == (codecs, 640, 360)


@pytest.mark.parametrize(
    ("kind", "boxes", "codecs"),
    [
        ("mp4a", make_full_box("esds", 0, 0, ESDS, b"\x12\x10"), "mp4a.40.2"),
        ("mp4a", make_full_box("esds", 0, 0, ESDS, b"\xf9\x40"), "mp4a.40.42"),
        (
            "mp4a",
            make_full_box("esds", 0, 0, ESDS.replace(b"\x14\x40", b"\x14\x6b")),
            "mp4a.6b",
        ),
        ("Opus", b"", "opus"),
        ("ec-3", b"", "ec-3"),
    ],
)
def test_sounds_have_their_string(kind: str, boxes: bytes, codecs: str) -> None:
    found = read_audio_format(stsd(make_box(kind, AUDIO_FIELDS, boxes)))
    assert (found.codecs, found.channels, found.rate_hz) == (codecs, 2, 48000)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ((make_box("mp4v", VIDEO_FIELDS),), "mp4v"),
        ((make_box("encv", VIDEO_FIELDS),), "encrypted"),
        ((), "no encoding"),
        ((make_box("avc1", VIDEO_FIELDS), make_box("avc1", VIDEO_FIELDS)), "half-way"),
        ((make_box("avc1", VIDEO_FIELDS),), "avcC"),
        ((make_box("avc1", b"short"),), "ends too early"),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(entries: tuple[bytes, ...], reason: str) -> None:
    with pytest.raises(UnplayableError, match=reason):
        read_video_format(stsd(*entries))


def test_real_film_has_real_strings(films: Films) -> None:
    video, sound = films.movie("plain.mp4").tracks
    assert read_video_format(video.description).codecs.startswith("avc1.")
    assert read_audio_format(sound.description).codecs == "mp4a.40.2"
