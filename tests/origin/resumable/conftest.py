"""An intake for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.origin.resumable.intakes import Site, open_site


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """An intake over nothing yet."""
    async with open_site(tmp_path) as opened:
        yield opened
