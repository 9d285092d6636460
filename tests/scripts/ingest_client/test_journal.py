"""What is remembered is of the same file to the same key, or nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scripts.cli.errors import FailedError
from scripts.ingest_client.journal import Journal, Subject, default_folder
from scripts.ingest_client.plan import Span

SUBJECT = Subject("http://origin", "films/a.mp4", "/films/a.mp4", 300, 7, 100)
SPANS = [Span(0, 200), Span(200, 300)]


def remember(folder: Path, subject: Subject = SUBJECT) -> str:
    journal = Journal(folder, subject)
    with journal.locked():
        remembered, was_begun = journal.load(SPANS)
        assert not was_begun
        remembered.locations[1] = "http://origin/v1/uploads/b"
        journal.save(remembered)
    return remembered.batch


def test_a_later_run_finds_its_parts(tmp_path: Path) -> None:
    batch = remember(tmp_path)
    found, was_begun = Journal(tmp_path, SUBJECT).load([Span(0, 300)])
    assert was_begun
    assert (found.batch, found.spans) == (batch, SPANS)
    assert found.locations == {1: "http://origin/v1/uploads/b"}


@pytest.mark.parametrize(
    "change", [{"size_bytes": 301}, {"modified_ns": 8}, {"extent_bytes": 50}, {"key": "b"}]
)
def test_another_file_is_another_upload(tmp_path: Path, change: dict[str, object]) -> None:
    remember(tmp_path)
    other = dataclasses.replace(SUBJECT, **change)  # type: ignore[arg-type]
    assert Journal(tmp_path, other).load(SPANS)[1] is False


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"version": 1}', "\x00"])
def test_a_spoilt_file_is_a_new_upload(tmp_path: Path, text: str) -> None:
    remember(tmp_path)
    (path,) = tmp_path.glob("*.json")
    path.write_text(text)
    assert Journal(tmp_path, SUBJECT).load(SPANS)[1] is False


def test_two_runs_do_not_send_the_same_file(tmp_path: Path) -> None:
    with (
        Journal(tmp_path, SUBJECT).locked(),
        pytest.raises(FailedError, match="is being sent already"),
        Journal(tmp_path, SUBJECT).locked(),
    ):
        pytest.fail("the second run must not begin")


def test_a_finished_upload_is_forgotten(tmp_path: Path) -> None:
    remember(tmp_path)
    Journal(tmp_path, SUBJECT).forget()
    Journal(tmp_path, SUBJECT).forget()
    assert not list(tmp_path.glob("*.json"))


def test_the_folder_follows_the_environment() -> None:
    assert default_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/cinedge/ingest")
    assert default_folder({}) == Path.home() / ".cache/cinedge/ingest"
