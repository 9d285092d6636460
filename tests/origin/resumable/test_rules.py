"""What is taken in, where parts belong, and what a token may have unfinished."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadKeyError, BadRequestError, ConflictError, TooLargeError
from origin.catalog.uploads import UploadRow, Usage
from origin.ingest.session import UploadState
from origin.resumable.errors import InconsistentLengthError, QuotaError
from origin.resumable.rules import (
    FINAL,
    PARTIAL,
    WHOLE,
    Rules,
    Wish,
    lies_in_place,
    plan,
    plan_final,
    require_quota,
    settle_length,
    wish_of_metadata,
)
from origin.resumable.tus import format_metadata

RULES = Rules(extent_bytes=100, object_bytes_max=1000, uploads_max=3, unfinished_bytes_max=2000)
NOTHING = Usage(0, 0)


def wished(kind: str = WHOLE, length: int | None = 10, **values: str) -> Wish:
    text = format_metadata({name: value.encode() for name, value in values.items()})
    return wish_of_metadata("studio", kind, length, text, {"if-match": '"1"', "x": "y"})


def planned(wish: Wish) -> UploadRow:
    return plan(wish, RULES, NOTHING, "upload-1", 1000.0)


def part(start: int, stop: int, **changes: Any) -> UploadRow:
    wish = wished(PARTIAL, stop - start, key="a", batch="b", start=str(start), total="450")
    row = dataclasses.replace(planned(wish), state="received", offset_bytes=stop, generation=7)
    crc32c = tuple(range(start // 100, -(-stop // 100)))
    return dataclasses.replace(row, **{"crc32c": crc32c, "id": f"part-{start}", **changes})


def test_a_key_is_said_or_made_of_the_file_name() -> None:
    assert wished(key="films/a.mp4", filename="b.mp4").key == "films/a.mp4"
    assert wished(filename="b.mp4", filetype="video/mp4").content_type == "video/mp4"
    assert wished(key="a").fields == {"if-match": '"1"'}
    wrong: list[dict[str, Any]] = [{}, {"key": "../a"}, {"filename": "my film.mp4"}]
    for each in wrong:
        with pytest.raises(BadKeyError):
            wished(**each)


def test_a_part_needs_no_key_unless_it_says_where_it_belongs() -> None:
    row = planned(wished(PARTIAL))
    assert (row.key, row.object_id) == ("", "~upload-1")
    with pytest.raises(BadKeyError):
        wished(PARTIAL, batch="b", start="0", total="10")


@pytest.mark.parametrize(
    ("start", "length", "total"),
    [("50", 50, "200"), ("0", 50, "200"), ("100", 150, "200"), ("0", None, "200"), ("0", 0, "200")],
)
def test_a_part_between_extents_is_refused(start: str, length: int | None, total: str) -> None:
    with pytest.raises(BadRequestError):
        planned(wished(PARTIAL, length, key="a", batch="b", start=start, total=total))


def test_parts_of_one_batch_share_its_name_and_others_do_not() -> None:
    assert part(0, 200).batch == part(200, 450).batch != ""
    other = wished(PARTIAL, 200, key="b", batch="b", start="0", total="450")
    assert planned(other).batch != part(0, 200).batch


def test_parts_in_order_and_place_need_no_copy() -> None:
    parts = [part(0, 200), part(200, 400), part(400, 450)]
    assert lies_in_place("a", parts)
    row = plan_final(wished(key="a"), parts, RULES, "final-1", 0.0)
    assert (row.kind, row.generation, row.crc32c) == (FINAL, 7, (0, 1, 2, 3, 4))
    assert (row.offset_bytes, row.upload_state) == (450, UploadState.RECEIVED)


@pytest.mark.parametrize(
    "parts",
    [
        [part(200, 400), part(0, 200)],
        [part(0, 200), part(400, 450)],
        [part(0, 200), part(200, 400, batch="other")],
        [part(0, 200), part(200, 400, batch="")],
    ],
)
def test_other_parts_are_copied(parts: list[UploadRow]) -> None:
    assert not lies_in_place("a", parts)
    row = plan_final(wished(key="a"), parts, RULES, "final-1", 0.0)
    assert (row.generation, row.batch, row.crc32c) == (0, "", ())


def test_only_complete_parts_are_joined() -> None:
    with pytest.raises(ConflictError):
        plan_final(wished(key="a"), [part(0, 200, state="receiving")], RULES, "f", 0.0)
    with pytest.raises(BadRequestError):
        plan_final(wished(key="a"), [part(0, 200, kind=WHOLE)], RULES, "f", 0.0)


def test_too_much_is_refused() -> None:
    with pytest.raises(TooLargeError):
        planned(wished(length=1001, key="a"))
    for usage in (Usage(3, 0), Usage(0, 1995)):
        with pytest.raises(QuotaError) as refused:
            plan(wished(key="a"), RULES, usage, "u", 0.0)
        assert refused.value.status == 507
    require_quota(Usage(2, 1990), 10, RULES)


@given(st.none() | st.integers(0, 50), st.none() | st.integers(0, 50), st.integers(0, 50))
def test_a_length_once_told_stays(known: int | None, told: int | None, offset: int) -> None:
    try:
        found = settle_length(known, told, offset)
    except InconsistentLengthError:
        assert told is not None
        assert told < offset or known not in (None, told)
        return
    assert found == (known if told is None else told)


def test_header_that_cannot_be_sent_back_is_refused() -> None:
    for bad in ("video", "video/mp4\r\nX: y", "a/" + "b" * 300):
        with pytest.raises(BadRequestError):
            planned(wished(key="a", filetype=bad))
