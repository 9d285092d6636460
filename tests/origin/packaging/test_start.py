"""Rows before and after: asking twice is once, and viewers keep what they have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cdnkit.errors import ConflictError, NotFoundError
from origin.catalog.jobs import NEVER, JobRow
from origin.packaging.start import (
    advance,
    describe_job,
    is_due,
    prefix_of,
    receive,
    retire,
    with_keys,
)
from origin.packaging.states import TitleEvent, TitleState

ROW = JobRow("a", "films/a", 1, 1, "received")


def test_new_title_begins_at_once() -> None:
    row = receive(None, "a", "films/a", 1, 5.0)
    assert row is not None
    assert (row.state, row.revision, row.leased_until) == ("received", 1, 5.0)


@pytest.mark.parametrize("state", ["received", "verified", "packaged", "placed", "published"])
def test_same_source_is_done_once(state: str) -> None:
    assert receive(replace(ROW, state=state), "a", "films/a", 1, 5.0) is None


@pytest.mark.parametrize("state", [state.value for state in TitleState])
def test_new_source_starts_over_while_viewers_keep_theirs(state: str) -> None:
    before = replace(ROW, state=state, published={"hls": "x"}, attempts=3, reason="no", worker="w")
    after = receive(before, "a", "films/a", 2, 5.0)
    assert after is not None
    assert (after.state, after.revision, after.attempts) == ("received", 2, 0)
    assert (after.worker, after.published) == ("", {"hls": "x"})


@pytest.mark.parametrize("state", ["refused", "retired"])
def test_refused_and_retired_titles_are_tried_again(state: str) -> None:
    after = receive(replace(ROW, state=state), "a", "films/a", 1, 5.0)
    assert after is not None
    assert after.revision == 2


def test_retiring_takes_everything_and_is_done_once() -> None:
    after = retire(replace(ROW, state="published", published={"hls": "x"}), "a", 5.0)
    assert after is not None
    assert (after.state, after.published, after.leased_until) == ("retired", {}, 5.0)
    assert retire(after, "a", 6.0) is None
    with pytest.raises(NotFoundError):
        retire(None, "a", 5.0)


def test_step_lets_the_row_go_until_it_is_done() -> None:
    after = advance(replace(ROW, worker="w", attempts=2), TitleEvent.VERIFY, 5.0)
    assert (after.state, after.worker, after.attempts, after.leased_until) == ("verified", "", 0, 5)
    refused = advance(ROW, TitleEvent.REFUSE, 5.0, reason="why")
    assert (refused.reason, refused.leased_until) == ("why", NEVER)
    with pytest.raises(ConflictError):
        advance(ROW, TitleEvent.PUBLISH, 5.0)


def test_description_tells_what_a_viewer_of_the_job_needs() -> None:
    row = replace(ROW, reason="why", published={"hls": "x", "replaced": []})
    body = describe_job(row)
    assert body["source"] == {"key": "films/a", "generation": 1}
    assert (body["reason"], body["published"]) == ("why", {"hls": "x"})
    assert "package" not in body


def test_names_become_keys_of_one_revision() -> None:
    prefix = prefix_of("a", 3)
    found = with_keys({"hls": "master.m3u8", "poster": "p.jpg", "video": []}, prefix)
    assert found["hls"] == "play/a/3/master.m3u8"
    assert found["poster"] == "play/a/3/p.jpg"
    assert "dash" not in found


@pytest.mark.parametrize("state", list(TitleState))
def test_due_unasked_is_another_upload_of_a_title_that_is_not_retired(state: TitleState) -> None:
    row = replace(ROW, state=state.value)
    assert not is_due(row, "films/a", 1)
    assert is_due(row, "films/a", 2) == (state is not TitleState.RETIRED)
    assert is_due(row, "films/b", 1) == (state is not TitleState.RETIRED)
    assert is_due(None, "films/a", 1)
