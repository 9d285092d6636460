"""A catalogue of some titles over a database of either kind, for tests of domains."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from origin.catalog.catalog import Catalog, open_catalog
from origin.catalog.database import parse_database_url


@asynccontextmanager
async def catalogue(url: str, now: Any, **titles: dict[str, Any]) -> AsyncIterator[Catalog]:
    """An opened catalogue with these titles."""
    catalog = await open_catalog(parse_database_url(url, Path()), now)
    for title_id, body in titles.items():
        await catalog.put_title(title_id, json.dumps(body), lambda _: None)
    yield catalog
    await catalog.close()
