"""What leads to an entry besides its key: the fields that choose a variant, and its tags.

A target whose answers vary has one entry for each variant (RFC 9111 4.1); its key is the target
followed by what the request said in those fields.
"""

from __future__ import annotations

from cdnkit.fields import FieldLines
from cdnkit.freshness import variant_key, vary_names
from edge.cache.tags import Tags
from edge.entry import SEPARATOR, Entry

__all__ = ["FieldLines", "Names"]


class Names:
    """The names by which the entries of a worker are found."""

    def __init__(self) -> None:
        self.tags = Tags()
        self._varying: dict[bytes, tuple[bytes, ...]] = {}

    def key_of(self, target: bytes, request: FieldLines) -> bytes:
        """The key under which an answer to this request would be held now."""
        names = self._varying.get(target)
        if not names:
            return target
        return target + SEPARATOR + variant_key(names, request)

    def vary(self, target: bytes, entry: Entry) -> None:
        """The newest answer to a target says which fields choose its variants."""
        names = vary_names(FieldLines(entry.head.pairs)) or ()
        if names:
            self._varying[target] = names
        else:
            self._varying.pop(target, None)

    def found(self, entry: Entry) -> None:
        """An entry was found on a disk; others of its target may have come before it."""
        target, separator, _ = entry.key.partition(SEPARATOR)
        if separator:
            self.vary(target, entry)
        self.tags.note(entry)

    def prefix_of_variants(self, target: bytes) -> bytes | None:
        """How the keys of a target's variants begin; None when its answers do not vary."""
        return target + SEPARATOR if target in self._varying else None
