"""Tokens are found in paths and queries."""

from __future__ import annotations

from typing import Any

import pytest

from cdnkit.tokens.where import split_token_path, token_of_query
from tests.helpers.vectors import case_id, load_vectors


@pytest.mark.parametrize("case", load_vectors("token_paths", "path"), ids=case_id)
def test_token_is_taken_out_of_the_path(case: dict[str, Any]) -> None:
    assert split_token_path(case["path"]) == (case["token"], case["rest"])


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("", None),
        ("a=1", None),
        ("token=T", "T"),
        ("a=1&token=T&token=U", "T"),
        ("token=&CAT=C", "C"),
        ("URISigningPackage=e.y.J", "e.y.J"),
        ("Token=T&xtoken=T", None),
    ],
)
def test_token_of_a_query_is_the_first_that_is_there(query: str, token: str | None) -> None:
    assert token_of_query(query) == token
