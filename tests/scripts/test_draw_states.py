"""The drawing is the one of the table."""

from __future__ import annotations

import pytest

from origin.packaging.states import TRANSITIONS, TitleState
from scripts import draw_states


def test_page_is_up_to_date() -> None:
    assert draw_states.PAGE.read_text() == draw_states.draw_states()


def test_every_transition_is_drawn() -> None:
    text = draw_states.draw_states()
    for state, row in TRANSITIONS.items():
        for event, following in row.items():
            assert f"{state.value} --> {following.value} : {event.value}\n" in text
    assert all(f"| {state.value} |" in text for state in TitleState)


def test_page_is_written(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    page = draw_states.PAGE.with_name("states.md")
    written: list[str] = []
    monkeypatch.setattr(type(page), "write_text", lambda self, text: written.append(text))
    assert draw_states.main() == 0
    assert written == [draw_states.draw_states()]
