"""The header fields of tus 1.0, read and written: metadata, checksums, concatenation, lengths.

Pure. Which request means what is decided by `origin.resumable.handlers`; https://tus.io/protocols/
resumable-upload names the fields.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cdnkit.errors import BadRequestError
from cdnkit.wire import UPLOADS_PATH
from origin.store.crc32c import Piece, extend_crc32c

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
)
CONTENT_TYPE: Final = "application/offset+octet-stream"

_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_METADATA_KEY: Final = re.compile(r"[!-+\--~]+", re.ASCII)
_UPLOAD_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_PARTS_MAX: Final = 1000


class RunningHash(Protocol):
    """What is told of a chunk's bytes and knows their digest, as hashlib's objects do."""

    def update(self, data: Piece, /) -> None:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """The digest of all bytes so far."""


class RunningCrc32c:
    """CRC32C as a `RunningHash`."""

    def __init__(self) -> None:
        self._crc32c = 0

    def update(self, data: Piece, /) -> None:
        """Take the next bytes."""
        self._crc32c = extend_crc32c(self._crc32c, data)

    def digest(self) -> bytes:
        """Four bytes, the most significant first."""
        return self._crc32c.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Checksum:
    """Upload-Checksum of one request."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Concat:
    """Upload-Concat: a part, or, with `parts`, the upload that joins them."""

    parts: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether parts are to be joined."""
        return bool(self.parts)


CHECKSUMS: Final[Mapping[str, Callable[[], RunningHash]]] = {
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "crc32c": RunningCrc32c,
}


def parse_number(text: str, name: str) -> int:
    """A length or an offset. Raises BadRequestError."""
    if not _DIGITS.fullmatch(text):
        raise BadRequestError(f"{name} is not a whole number of bytes")
    return int(text)


def parse_metadata(text: str) -> dict[str, bytes]:
    """Upload-Metadata: names and decoded values. Raises BadRequestError."""
    found: dict[str, bytes] = {}
    for pair in text.split(",") if text.strip() else ():
        name, _, value = pair.strip(" ").partition(" ")
        if not _METADATA_KEY.fullmatch(name):
            raise BadRequestError("Upload-Metadata is not 'name base64, ...'")
        if name in found:
            raise BadRequestError(f"Upload-Metadata has {name!r} twice")
        found[name] = _decode(value, f"the value of {name!r} in Upload-Metadata")
    return found


def format_metadata(values: Mapping[str, bytes]) -> str:
    """The reverse of `parse_metadata`."""
    return ",".join(
        f"{name} {base64.b64encode(value).decode()}".rstrip() for name, value in values.items()
    )


def parse_checksum(text: str) -> Checksum:
    """Upload-Checksum. Raises BadRequestError, also for an algorithm that is not offered."""
    algorithm, _, value = text.partition(" ")
    if algorithm not in CHECKSUMS:
        raise BadRequestError(f"Upload-Checksum takes {', '.join(CHECKSUMS)}")
    digest = _decode(value, "Upload-Checksum")
    if len(digest) != len(CHECKSUMS[algorithm]().digest()):
        raise BadRequestError(f"Upload-Checksum has {len(digest)} bytes, which no {algorithm} has")
    return Checksum(algorithm, digest)


def parse_concat(text: str) -> Concat:
    """Upload-Concat. Raises BadRequestError."""
    if text == "partial":
        return Concat()
    kind, semicolon, urls = text.partition(";")
    parts = tuple(_upload_id(url) for url in urls.split(" ") if url)
    if kind != "final" or not semicolon or not parts:
        raise BadRequestError("Upload-Concat is 'partial' or 'final;' and the parts' URLs")
    if len(parts) > _PARTS_MAX or len(set(parts)) != len(parts):
        raise BadRequestError(f"an upload joins at most {_PARTS_MAX} parts, each of them once")
    return Concat(parts)


def is_upload_id(text: str) -> bool:
    """Whether an upload could have this name."""
    return _UPLOAD_ID.fullmatch(text) is not None


def _upload_id(url: str) -> str:
    path = re.sub(r"^https?://[^/]*", "", url)
    upload_id = path.removeprefix(f"{UPLOADS_PATH}/")
    if upload_id == path or not is_upload_id(upload_id):
        raise BadRequestError("Upload-Concat names something that is no upload")
    return upload_id


def _decode(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadRequestError(f"{what} is not base64") from None
