"""What holds for addresses, passwords, attempts and profiles, whoever asks and when.

Pure: no request, no SQL, no clock.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cdnkit.service.viewers import AGE_ANY, Viewer
from origin.domains.accounts.records import Profile
from origin.domains.accounts.refusals import (
    BadAddressError,
    BadPasswordError,
    BadPinError,
    GrownUpNeededError,
)

PASSWORD_LENGTH_MIN: Final = 8
"""NIST SP 800-63B 5.1.1.2; no other rule about characters, as it says."""
PASSWORD_LENGTH_MAX: Final = 256
ADDRESS_LENGTH_MAX: Final = 254
"""RFC 5321 4.5.3.1.3, less the brackets around a path."""
_LOCAL: Final = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}")
_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_PIN: Final = re.compile(r"[0-9]{4,8}")
_NETWORK_BITS: Final = {4: 32, 6: 64}
"""How much of an address is one household: RFC 6177 gives each at least a /64."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """How often something may be tried: `count_max` at once, one more each `each_seconds`."""

    count_max: int
    each_seconds: float

    def retry_after_seconds(self, level: float) -> int:
        """Seconds until one more fits, when `level` attempts count; 0 when these still fit."""
        wait_seconds = (level - self.count_max) * self.each_seconds
        # To the microsecond: what sums of floats leave over is not worth another second.
        return max(0, math.ceil(round(wait_seconds, 6)))


def normalise_address(email: str) -> str:
    """The form in which addresses are compared: RFC 5321 2.4 lets local parts differ by case,
    and no provider does.

    Raises BadAddressError.
    """
    text = unicodedata.normalize("NFKC", email.strip()).casefold()
    local, at, domain = text.rpartition("@")
    labels = domain.split(".")
    fits = at and len(text.encode()) <= ADDRESS_LENGTH_MAX and len(labels) > 1
    if not fits or not _LOCAL.fullmatch(local) or not all(map(_LABEL.fullmatch, labels)):
        raise BadAddressError("This is not an e-mail address.")
    return text


def check_password(password: str, address: str) -> None:
    """Raises BadPasswordError."""
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise BadPasswordError(
            f"A password has {PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters."
        )
    if len(set(password)) < 4:
        raise BadPasswordError("A password of so few different characters is soon guessed.")
    if password.casefold() in (address, address.partition("@")[0]):
        raise BadPasswordError("The address is no password.")


def check_pin(pin: str) -> None:
    """Raises BadPinError."""
    if not _PIN.fullmatch(pin):
        raise BadPinError("A PIN has 4 to 8 digits.")


def network_of(host: str | None) -> str:
    """Whom attempts from a client's IP address are counted for."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    network = ipaddress.ip_network((address, _NETWORK_BITS[address.version]), strict=False)
    return str(network)


def subject_of(kind: str, name: str) -> str:
    """Under which name attempts are counted: one that does not tell the address."""
    return f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def check_manager(viewer: Viewer, profiles: Iterable[Profile]) -> None:
    """A profile for children does not change profiles once a grown-up has set a PIN.

    Raises GrownUpNeededError.
    """
    is_guarded = any(profile.pin_hash for profile in profiles)
    if viewer.profile and viewer.age_max < AGE_ANY and is_guarded:
        raise GrownUpNeededError("Choose a profile without an age limit first.")


def plain_device(given: str, user_agent: str) -> str:
    """The name of a device: as given, or what its User-Agent says, printable and short."""
    text = given or user_agent
    kept = "".join(each for each in text if each.isprintable())
    return kept.encode(errors="ignore").decode()[:100] or "unknown device"
