"""Uploads share what may be in memory, and none is left without."""

from __future__ import annotations

import pytest

from origin.store.piece_budget import PieceBudget


@pytest.mark.parametrize(
    ("writers", "share"), [(0, 8), (1, 8), (8, 8), (9, 7), (32, 2), (64, 1), (65, 1), (1000, 1)]
)
def test_each_has_the_same_share_up_to_what_helps(writers: int, share: int) -> None:
    budget = PieceBudget(pieces_max=64, ahead_max=8)
    for _ in range(writers):
        budget.join()
    assert budget.share() == share


def test_who_leaves_gives_his_share_to_the_others() -> None:
    budget = PieceBudget(pieces_max=8, ahead_max=8)
    budget.join()
    budget.join()
    assert budget.share() == 4
    budget.leave()
    assert budget.share() == 8
