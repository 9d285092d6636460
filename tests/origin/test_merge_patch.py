"""Merge patches do what RFC 7396 says, its own examples first."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.merge_patch import merge_patch
from tests.helpers.vectors import case_id, load_vectors

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("case", load_vectors("merge_patch"), ids=case_id)
def test_patch_of_the_vectors(case: dict[str, Any]) -> None:
    assert merge_patch(case["target"], case["patch"]) == case["result"]


@given(target=VALUES, patch=VALUES)
def test_nothing_given_is_changed_and_twice_is_once(target: Any, patch: Any) -> None:
    before = copy.deepcopy((target, patch))
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once
    assert (target, patch) == before


@given(target=st.dictionaries(st.text(max_size=2), VALUES))
def test_empty_patch_changes_nothing(target: Any) -> None:
    assert merge_patch(target, {}) == target
