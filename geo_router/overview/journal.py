"""What has happened to an installation lately, as an operator would tell it. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

ENTRIES_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `about` is the name of an edge or a router, or empty; `state` what it is now."""

    number: int
    at: float
    kind: str
    text: str
    about: str = ""
    state: str = ""
    grave: bool = False

    def body(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "number": self.number,
            "at": round(self.at, 3),
            "kind": self.kind,
            "text": self.text,
            "about": self.about,
            "state": self.state,
            "grave": self.grave,
        }


class Journal:
    """The last entries; older ones are in the router's own log."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._number = 0

    def add(
        self,
        at: float,
        kind: str,
        text: str,
        *,
        about: str = "",
        state: str = "",
        grave: bool = False,
    ) -> Entry:
        """Write a line down (`at`: seconds since 1970)."""
        self._number += 1
        entry = Entry(self._number, at, kind, text, about, state, grave)
        self._entries.append(entry)
        return entry

    def body(self) -> list[dict[str, Any]]:
        """All of them."""
        return [entry.body() for entry in self._entries]
