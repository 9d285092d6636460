"""Search over the catalog's titles.

    GET  /v1/search    films by words, with facets and snippets   200
    GET  /v1/suggest   titles that a query may become             200

Nobody has to be signed in; a profile's age limit counts when somebody is. The index lies in a
folder of the origin's own, follows the catalog's titles, and is built from them whenever it is
missing, broken, of another version or of another catalog.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from origin.catalog.audience import AudienceOf
from origin.catalog.catalog import Catalog
from origin.domains.search.handlers import Popularity, Search
from origin.domains.search.keeping import Keeper


def open_search(
    catalog: Catalog,
    folder: Path,
    *,
    refresh_seconds: float,
    audience_of: AudienceOf,
    popularity: Popularity,
    report: Callable[[str], None],
) -> Search:
    """The domain, over an index in `folder`."""
    keeper = Keeper(catalog, folder, refresh_seconds, report)
    return Search(
        catalog,
        keeper,
        audience_of=audience_of,
        popularity=popularity,
        timer=time.perf_counter,
    )
