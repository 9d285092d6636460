"""How an upload ended is told again in the same words."""

from __future__ import annotations

import json

import pytest

from cdnkit.errors import ConflictError, DigestMismatchError
from origin.catalog.records import ObjectRow
from origin.resumable.outcome import (
    announced_algorithms,
    object_members,
    problem_members,
    published_object,
)
from tests.origin.catalog.test_uploads import row

OBJECT = ObjectRow("a", 2, 1, 3, 100, "video/mp4", "ab" * 32, '"2-abab"', 5.0)


def test_an_object_survives_the_row() -> None:
    kept = json.loads(json.dumps({"object": object_members(OBJECT), "is_new": False}))
    assert published_object(row("u", outcome=kept)) == (OBJECT, False)


def test_a_refusal_survives_the_row() -> None:
    error = DigestMismatchError("not the bytes announced", algorithm="sha-256")
    kept = json.loads(json.dumps(problem_members(error)))
    with pytest.raises(DigestMismatchError) as told:
        published_object(row("u", outcome=kept))
    assert (told.value.detail, told.value.extra) == (error.detail, error.extra)


def test_an_upload_that_has_not_ended_has_no_outcome() -> None:
    with pytest.raises(ConflictError, match="receiving"):
        published_object(row("u", state="receiving"))


def test_algorithms_come_from_the_announced_digests() -> None:
    assert announced_algorithms(row("u", fields={"repr-digest": "md5=:YQ==:"})) == {"md5"}
    assert announced_algorithms(row("u")) == set()
