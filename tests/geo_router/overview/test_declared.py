"""What is declared of the overview is what the board lays out."""

from __future__ import annotations

from geo_router.overview.board import FIGURES, Board
from geo_router.overview.declared import EdgeBelief, EntryView, FlowView
from tests.geo_router.overview.test_board import body


def test_what_the_board_tells_fits_its_description() -> None:
    board = Board(0.0)
    board.count((50, 10), "fra")
    board.tick(1.0, [body()])
    board.change(body(state="down"), 1.5)
    told = board.snapshot(2.0)
    EdgeBelief.model_validate(told["edges"]["fra-0"])
    EntryView.model_validate(told["journal"][0])
    FlowView.model_validate(told["flows"][0])
    assert len(told["figures"]["fra-0"]) == len(FIGURES) == len(told["figure_names"])
