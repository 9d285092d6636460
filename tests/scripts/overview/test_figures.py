"""Claims about reading /metrics."""

from __future__ import annotations

import pytest

from scripts.overview.figures import Figures, read_figures

_PAGE = """\
# HELP a_total What.
# TYPE a_total counter
a_total{outcome="hit",reason=""} 3.0
a_total{outcome="miss",reason="cold"} 1.0
# TYPE b gauge
b{version="1.2"} 1.0
"""


def test_samples_are_added_up_by_name_and_labels() -> None:
    figures = read_figures(_PAGE)
    assert figures.total("a_total") == 4
    assert figures.total("a_total", outcome="hit") == 3
    assert figures.label("b", "version") == "1.2"


def test_what_is_not_there_is_not_nothing() -> None:
    assert Figures().total("a_total") is None
    assert read_figures(_PAGE).total("a_total", outcome="stale") is None
    assert Figures().label("b", "version") == ""


def test_a_page_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"<html>"):
        read_figures("<html>\n")
