"""The table of states is whole: every state is reached, and dead ends are meant."""

from __future__ import annotations

import pytest

from cdnkit.errors import ConflictError
from origin.packaging.states import TRANSITIONS, WORKABLE, TitleEvent, TitleState, step

WAY = ("verify", "package", "place", "publish", "retire")


def test_title_goes_the_whole_way() -> None:
    state = TitleState.RECEIVED
    passed = [state.value]
    for event in WAY:
        state = step(state, TitleEvent(event))
        passed.append(state.value)
    assert passed == ["received", "verified", "packaged", "placed", "published", "retired"]


def test_every_state_is_in_the_table_and_is_reached() -> None:
    assert set(TRANSITIONS) == set(TitleState)
    reached = {following for row in TRANSITIONS.values() for following in row.values()}
    assert reached == set(TitleState)


def test_new_upload_begins_again_from_every_state() -> None:
    for state in TitleState:
        assert step(state, TitleEvent.RECEIVE) is TitleState.RECEIVED


def test_only_the_work_of_the_origin_is_refused() -> None:
    refusable = {state for state in TitleState if TitleEvent.REFUSE in TRANSITIONS[state]}
    assert refusable == {TitleState.RECEIVED, TitleState.VERIFIED, TitleState.PACKAGED}
    assert refusable < WORKABLE


def test_every_other_event_is_a_conflict() -> None:
    for state in TitleState:
        for event in TitleEvent:
            if event not in TRANSITIONS[state]:
                with pytest.raises(ConflictError):
                    step(state, event)
