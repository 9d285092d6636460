"""One finding of the doctor: what is wrong, why it matters, how to mend it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`grave`: something does not work, or will not; otherwise it is advice."""

    check: str
    subject: str
    what: str
    why: str
    mend: str
    grave: bool = True
