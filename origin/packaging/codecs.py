"""What a sample description says to a player: the codecs string (RFC 6381) and the format.

Only what browsers and television sets play in fragmented MP4 has an entry in the table; anything
else is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from origin.packaging.boxes import (
    Box,
    Fields,
    UnplayableError,
    fields_of_box,
    iterate_boxes,
    require,
)

_VIDEO_FIELDS_BYTES: Final = 78
_AUDIO_FIELDS_BYTES: Final = 28


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How pictures are encoded."""

    codecs: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How sound is encoded."""

    codecs: str
    channels: int
    rate_hz: int


def read_video_format(description: bytes) -> VideoFormat:
    """The format in the `stsd` box of a video track. Raises UnplayableError."""
    entry = _only_entry(description)
    fields = fields_of_box(description, entry)
    fields.bytes(24)
    width, height = fields.take("HH")
    make = _VIDEO.get(entry.kind)
    if make is None:
        raise UnplayableError(f"pictures in {_name(entry.kind)} are not played by browsers")
    boxes = list(iterate_boxes(description, entry.payload + _VIDEO_FIELDS_BYTES, entry.stop))
    if not (0 < width <= 16384 and 0 < height <= 16384):
        raise UnplayableError(f"pictures of {width}x{height}")
    return VideoFormat(make(description, entry.kind, boxes), width, height)


def read_audio_format(description: bytes) -> AudioFormat:
    """The format in the `stsd` box of an audio track. Raises UnplayableError."""
    entry = _only_entry(description)
    fields = fields_of_box(description, entry)
    fields.bytes(8)
    version = fields.number("H")
    fields.bytes(6)
    channels, _, _, _, rate = fields.take("HHHHI")
    make = _AUDIO.get(entry.kind)
    if make is None:
        raise UnplayableError(f"sound in {_name(entry.kind)} is not played by browsers")
    # QuickTime's sound descriptions 1 and 2 are longer.
    skip = _AUDIO_FIELDS_BYTES + {0: 0, 1: 16, 2: 36}.get(version, 0)
    boxes = list(iterate_boxes(description, entry.payload + skip, entry.stop))
    wave = next((box for box in boxes if box.kind == "wave"), None)
    if wave is not None:
        boxes += iterate_boxes(description, wave.payload, wave.stop)
    return AudioFormat(make(description, entry.kind, boxes), channels, rate >> 16)


def _only_entry(description: bytes) -> Box:
    entries = list(iterate_boxes(description, 16, len(description)))
    if len(entries) != 1:
        raise UnplayableError("a track has no encoding, or changes it half-way")
    if entries[0].kind in ("encv", "enca"):
        raise UnplayableError("the film is encrypted")
    return entries[0]


def _name(kind: str) -> str:
    return kind.strip() if kind.isprintable() else repr(kind)


def _config(data: bytes, boxes: list[Box], kind: str) -> Fields:
    return fields_of_box(data, require(boxes, kind))


def _avc(data: bytes, kind: str, boxes: list[Box]) -> str:
    _, profile, constraints, level = _config(data, boxes, "avcC").take("BBBB")
    return f"{kind}.{profile:02x}{constraints:02x}{level:02x}"


def _hevc(data: bytes, kind: str, boxes: list[Box]) -> str:
    """ISO/IEC 14496-15 E.3."""
    fields = _config(data, boxes, "hvcC")
    _, head, compatibility = fields.take("BBI")
    constraints = fields.bytes(6).rstrip(b"\0")
    level = fields.number("B")
    space, tier, profile = head >> 6, head >> 5 & 1, head & 31
    reversed_bits = int(f"{compatibility:032b}"[::-1], 2)
    parts = [
        f"{' ABC'[space].strip()}{profile}",
        f"{reversed_bits:x}",
        f"{'LH'[tier]}{level}",
        *(f"{byte:x}" for byte in constraints),
    ]
    return ".".join([kind, *parts])


def _av1(data: bytes, kind: str, boxes: list[Box]) -> str:
    """AV1 codec ISO media file format binding, section 5."""
    _, profile_level, bits = _config(data, boxes, "av1C").take("BBB")
    tier = "H" if bits & 0x80 else "M"
    depth = 8 if not bits & 0x40 else 12 if bits & 0x20 else 10
    return f"{kind}.{profile_level >> 5}.{profile_level & 31:02d}{tier}.{depth:02d}"


def _vp9(data: bytes, kind: str, boxes: list[Box]) -> str:
    _, profile, level, bits = _config(data, boxes, "vpcC").take("IBBB")
    return f"{kind}.{profile:02d}.{level:02d}.{bits >> 4:02d}"


def _mpeg4_audio(data: bytes, kind: str, boxes: list[Box]) -> str:
    """Object type indication and, for AAC, audio object type (ISO/IEC 14496-1 7.2.6)."""
    fields = _config(data, boxes, "esds")
    fields.version()
    _descriptor(fields, 3)
    _, flags = fields.take("HB")
    if flags & 0x80:
        fields.number("H")
    if flags & 0x40:
        fields.bytes(fields.number("B"))
    if flags & 0x20:
        fields.number("H")
    _descriptor(fields, 4)
    object_type = fields.number("B")
    if object_type != 0x40:
        return f"{kind}.{object_type:02x}"
    fields.bytes(12)
    _descriptor(fields, 5)
    first = fields.number("B")
    audio_type = first >> 3
    if audio_type == 31:
        audio_type = 32 + ((first & 7) << 3 | fields.number("B") >> 5)
    return f"{kind}.40.{audio_type}"


def _descriptor(fields: Fields, tag: int) -> None:
    """Step into a descriptor: a tag, then a length in up to four bytes of seven bits."""
    if fields.number("B") != tag:
        raise UnplayableError("the description of the sound is malformed")
    for _ in range(4):
        if not fields.number("B") & 0x80:
            return


def _plain(name: str) -> Callable[[bytes, str, list[Box]], str]:
    return lambda data, kind, boxes: name


_VIDEO: Final[dict[str, Callable[[bytes, str, list[Box]], str]]] = {
    "avc1": _avc,
    "avc3": _avc,
    "hvc1": _hevc,
    "hev1": _hevc,
    "av01": _av1,
    "vp09": _vp9,
}
_AUDIO: Final[dict[str, Callable[[bytes, str, list[Box]], str]]] = {
    "mp4a": _mpeg4_audio,
    "Opus": _plain("opus"),
    "fLaC": _plain("fLaC"),
    "ac-3": _plain("ac-3"),
    "ec-3": _plain("ec-3"),
}
