"""Claims about complaints and the search for the nearest name."""

from __future__ import annotations

import pytest

from config.complaints import Complaint, TopologyError, did_you_mean, nearest


def test_complaint_without_a_line_speaks_of_the_file() -> None:
    assert str(Complaint("t.yaml", 0, 0, "", "cannot be read")) == "t.yaml: cannot be read"


def test_error_shows_one_complaint_per_line() -> None:
    one = Complaint("t.yaml", 12, 5, "edges[0].sise", "unknown setting", "did you mean 'site'?")
    error = TopologyError([one, Complaint("t.yaml", 13, 1, "geo", "missing")])
    assert str(error).splitlines() == [
        "t.yaml:12:5: edges[0].sise: unknown setting; did you mean 'site'?",
        "t.yaml:13:1: geo: missing",
    ]


@pytest.mark.parametrize(
    ("word", "found"),
    [("sise", "size_bytes"), ("SIZE_BYTES", "size_bytes"), ("pth", "path"), ("colour", None)],
)
def test_nearest_name_looks_past_the_unit(word: str, found: str | None) -> None:
    assert nearest(word, ["path", "size_bytes"]) == found


def test_hint_lists_the_names_when_they_are_few_and_none_is_near() -> None:
    assert did_you_mean("colour", ["fra", "nyc"]) == "known: fra, nyc"
    many = did_you_mean("colour", [f"site-{n}" for n in range(9)])
    assert many == f"known: {', '.join(f'site-{n}' for n in range(8))}, ..."
    assert did_you_mean("colour", []) == ""
