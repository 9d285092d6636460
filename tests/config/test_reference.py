"""Claims about the reference page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.reference import settings_reference
from config.shape import fields_of
from tests.config.test_example import records

_FILE = Path(__file__).parents[2] / "docs" / "operating" / "settings.md"


def test_page_is_what_the_declarations_make() -> None:
    assert _FILE.read_text("utf-8") == settings_reference(), "run: cinedge topology reference"


@pytest.mark.parametrize("record", records())
def test_every_setting_has_its_row(record: type[Any]) -> None:
    section = settings_reference().partition(f"\n## {record.__name__}\n")[2].partition("\n## ")[0]
    for field in fields_of(record):
        assert f"| `{field.name}` |" in section
        assert field.facts.doc.replace("|", "\\|") in section
