"""The upload's state machine: every move of the table, and no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import ConflictError, IncompleteBodyError, TooLargeError
from origin.ingest.session import (
    ACTIVE,
    TRANSITIONS,
    UploadEvent,
    UploadSession,
    UploadState,
    step,
)


@pytest.mark.parametrize("state", UploadState)
@pytest.mark.parametrize("event", UploadEvent)
def test_only_moves_of_the_table_are_possible(state: UploadState, event: UploadEvent) -> None:
    if event in TRANSITIONS[state]:
        assert step(state, event) is TRANSITIONS[state][event]
    else:
        with pytest.raises(ConflictError):
            step(state, event)


def test_every_state_is_reached_and_every_unended_one_can_fail() -> None:
    reached = {after for moves in TRANSITIONS.values() for after in moves.values()}
    assert reached | {UploadState.OPENED} == set(UploadState)
    for event in (UploadEvent.FAILED, UploadEvent.CANCEL, UploadEvent.EXPIRE):
        assert all(event in TRANSITIONS[state] for state in ACTIVE)


def test_nothing_leads_back_to_an_active_state_from_an_ended_one() -> None:
    for state in set(UploadState) - set(ACTIVE):
        assert not set(TRANSITIONS[state].values()) & set(ACTIVE)


@given(
    chunks=st.lists(st.integers(1, 1000), max_size=8),
    announced=st.none() | st.integers(0, 8000),
    limit=st.integers(0, 8000),
)
def test_published_exactly_when_all_bytes_are_there_and_within_the_limit(
    chunks: list[int], announced: int | None, limit: int
) -> None:
    session = UploadSession(announced, limit)
    try:
        for chunk in chunks:
            session.take(chunk)
        session.end()
        session.publish()
    except TooLargeError:
        assert sum(chunks) > limit
        session.abandon()
    except IncompleteBodyError:
        assert announced not in (None, sum(chunks))
        session.abandon()
    is_good = sum(chunks) <= limit and announced in (None, sum(chunks))
    assert session.state is (UploadState.PUBLISHED if is_good else UploadState.ABANDONED)


def test_abandoning_an_ended_upload_changes_nothing() -> None:
    session = UploadSession(0, 10)
    session.end()
    session.publish()
    session.abandon()
    assert session.state is UploadState.PUBLISHED
