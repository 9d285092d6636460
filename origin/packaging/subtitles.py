"""The subtitles that a title names: found, read and checked before a package is begun."""

from __future__ import annotations

import json
from typing import Any, Final

from cdnkit.errors import CinedgeError
from cdnkit.keys import parse_key
from origin.catalog.catalog import Catalog
from origin.packaging.boxes import UnplayableError
from origin.packaging.webvtt import SUBTITLE_BYTES_MAX, check_language, check_subtitle
from origin.store.base import ByteStore
from origin.sweeper import Holds

SUBTITLES_MAX: Final = 64
_LABEL_CHARACTERS_MAX: Final = 100


async def load_subtitles(
    title_id: str, catalog: Catalog, store: ByteStore, holds: Holds
) -> list[tuple[str, str, str]]:
    """Language, label and text of what the title names. Raises UnplayableError."""
    title = catalog.titles.get(title_id)
    entries = [] if title is None else json.loads(title.body).get("subtitles", [])
    if not isinstance(entries, list) or len(entries) > SUBTITLES_MAX:
        raise UnplayableError(f"'subtitles' is a list of at most {SUBTITLES_MAX}")
    return [await _load(entry, catalog, store, holds) for entry in entries]


async def _load(
    entry: Any, catalog: Catalog, store: ByteStore, holds: Holds
) -> tuple[str, str, str]:
    try:
        key, language = parse_key(entry["key"]), check_language(entry["language"])
        label = str(entry.get("label", language))
    except (KeyError, TypeError, AttributeError):
        raise UnplayableError("a subtitle names a 'key' and a 'language'") from None
    except CinedgeError as error:
        raise UnplayableError(f"a subtitle: {error.detail}") from None
    if not label.isprintable() or '"' in label or len(label) > _LABEL_CHARACTERS_MAX:
        raise UnplayableError("the label of a subtitle is too long or cannot be printed")
    found = catalog.objects.get(key)
    if found is None or found.size_bytes > SUBTITLE_BYTES_MAX:
        raise UnplayableError(f"the subtitle {key!r} is not stored, or too large")
    with holds.hold(found.stored):
        pieces = store.read(found.stored, 0, found.size_bytes)
        data = b"".join([bytes(piece) async for piece in pieces])
    try:
        return language, label, check_subtitle(data)
    except CinedgeError as error:
        raise UnplayableError(f"{key}: {error.detail}") from None
