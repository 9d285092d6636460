"""Claims about YAML syntax and its limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.complaints import TopologyError
from config.nodes import DEPTH_MAX, TEXT_BYTES_MAX, compose, place_of


def test_nodes_know_their_places() -> None:
    root = compose("name: a\nsites:\n  - b\n", "t.yaml")
    (_, _), (_, sites) = root.value
    assert place_of(sites.value[0]) == (3, 5)


def test_depth_up_to_the_limit_is_read() -> None:
    inner = DEPTH_MAX - 2
    assert compose("a: " + "[" * inner + "x" + "]" * inner, "t")
    with pytest.raises(TopologyError, match="deeper"):
        compose("a: " + "[" * (inner + 1) + "x" + "]" * (inner + 1), "t")


def test_a_file_beyond_the_limit_is_not_even_parsed() -> None:
    with pytest.raises(TopologyError, match="larger than"):
        compose("#" * (TEXT_BYTES_MAX + 1), "t")


def test_an_alias_is_read_like_what_it_repeats() -> None:
    root = compose("a: &x [1]\nb: *x\n", "t")
    assert root.value[0][1] is root.value[1][1]


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert compose("\ufeffname: a\n".encode(), "t").value[0][0].value == "name"


@given(st.text("ab:-[]{}&*!|>'\"%@`\\#?,~\n\t \x00\ud7ff\U0001f600Uu0", max_size=40))
def test_any_text_is_composed_or_refused_with_a_place(text: str) -> None:
    try:
        compose(text, "t")
    except TopologyError as error:
        places = [(each.line, each.column) for each in error.complaints]
    else:
        places = [(1, 1)]
    assert len(places) == 1
    assert min(places[0]) >= 1
