"""Which entries bear which tag, so that a purge by tag finds them (`Cache-Tag`, RFC 9875).

Tags come with the stored answer. `Cache-Tag` is a list with commas, as several operators have it;
`Cache-Groups` is a structured list of strings.
"""

from __future__ import annotations

from typing import Final

from cdnkit.fields import FieldLines
from cdnkit.structured import Token, parse_list
from edge.entry import Entry

TAGS_MAX: Final = 128
"""Tags of one entry beyond these are passed over: bounds the memory an answer can cost."""
_LENGTH_MAX: Final = 1024


class Tags:
    """The tags of the entries of a worker."""

    def __init__(self) -> None:
        self._entries: dict[str, set[Entry]] = {}
        self._tags: dict[Entry, tuple[str, ...]] = {}

    def note(self, entry: Entry) -> None:
        """The entry has come, or its head has changed."""
        tags = tags_of(FieldLines(entry.head.pairs))
        if tags != self._tags.get(entry, ()):
            self.forget(entry)
            self._tags[entry] = tags
            for tag in tags:
                self._entries.setdefault(tag, set()).add(entry)

    def forget(self, entry: Entry) -> None:
        """The entry is gone."""
        for tag in self._tags.pop(entry, ()):
            bearers = self._entries[tag]
            bearers.discard(entry)
            if not bearers:
                del self._entries[tag]

    def bearers(self, tag: str) -> list[Entry]:
        """The entries with this tag."""
        return list(self._entries.get(tag, ()))


def tags_of(fields: FieldLines) -> tuple[str, ...]:
    """The tags of a head, each once, in order."""
    found: dict[str, None] = {}
    text = fields.text(b"cache-tag")
    if text is not None:
        found.update(dict.fromkeys(tag.strip() for tag in text.split(",")))
    groups = fields.text(b"cache-groups")
    if groups is not None:
        found.update(dict.fromkeys(_strings(groups)))
    found.pop("", None)
    return tuple(tag for tag in found if len(tag) <= _LENGTH_MAX)[:TAGS_MAX]


def _strings(text: str) -> list[str]:
    members = parse_list(text) or []
    values = [value for value, _ in members if not isinstance(value, list)]
    return [value for value in values if isinstance(value, str) and not isinstance(value, Token)]
