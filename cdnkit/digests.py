"""Integrity fields of RFC 9530: reading, writing and choosing digests, and checking bytes.

Content-Digest is of the bytes of one message, Repr-Digest of the whole object; the grammar is the
same. Digests of algorithms we do not compute, or that are no longer safe (5), are read and kept
but prove nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from cdnkit.errors import BadRequestError, DigestMismatchError
from cdnkit.structured import format_dictionary, parse_dictionary

if TYPE_CHECKING:
    from hashlib import _Hash

HASHES: Final[Mapping[str, Callable[[], _Hash]]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
}
"""The algorithms we compute, the one we prefer first."""

_PREFERENCE_MAX: Final = 10


def parse_digest_field(text: str) -> dict[str, bytes]:
    """Digests by algorithm (RFC 9530 2, 3); raises BadRequestError when the field is malformed."""
    members = parse_dictionary(text)
    if members is None:
        raise BadRequestError("the digest field is not a dictionary of RFC 9651")
    digests: dict[str, bytes] = {}
    for algorithm, (value, _) in members.items():
        if not isinstance(value, bytes):
            raise BadRequestError(f"the {algorithm} digest is not a byte sequence like :YWJj:")
        expected_length = HASHES[algorithm]().digest_size if algorithm in HASHES else len(value)
        if len(value) != expected_length:
            raise BadRequestError(
                f"the {algorithm} digest has {len(value)} bytes instead of {expected_length}"
            )
        digests[algorithm] = value
    return digests


def format_digest_field(digests: Mapping[str, bytes]) -> str:
    """The reverse of `parse_digest_field`; raises BadRequestError when a name is no key."""
    try:
        return format_dictionary(digests)
    except ValueError as error:
        raise BadRequestError(f"these digests cannot be written as a field: {error}") from error


def choose_algorithm(want: str | None) -> str | None:
    """The algorithm to answer with for Want-Content-Digest or Want-Repr-Digest (RFC 9530 4).

    None when the field is absent, malformed, or wants nothing that we compute.
    """
    preferences = parse_dictionary(want) if want is not None else None
    best: str | None = None
    best_preference = 0  # 0 says "not acceptable"
    for algorithm in HASHES:
        preference = (preferences or {}).get(algorithm, (0, {}))[0]
        # bool is an int to Python and a type of its own to RFC 9651.
        if type(preference) is int and best_preference < preference <= _PREFERENCE_MAX:
            best, best_preference = algorithm, preference
    return best


class DigestCheck:
    """Hashes bytes as they pass and compares at the end with what was announced."""

    __slots__ = ("_announced", "_hashes")

    def __init__(self, announced: Mapping[str, bytes]) -> None:
        self._announced = {name: value for name, value in announced.items() if name in HASHES}
        self._hashes = {name: HASHES[name]() for name in self._announced}

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        for running in self._hashes.values():
            running.update(chunk)

    def finish(self) -> tuple[str, ...]:
        """The algorithms that agreed; raises DigestMismatchError when one does not."""
        for algorithm, running in self._hashes.items():
            if not compare_digest(running.digest(), self._announced[algorithm]):
                raise DigestMismatchError(
                    f"the {algorithm} of the bytes received is not the one announced",
                    algorithm=algorithm,
                )
        return tuple(self._hashes)
