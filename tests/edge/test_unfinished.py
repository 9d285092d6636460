"""Orders under way outlive the process; a file that cannot be read costs no start."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.unfinished import Unfinished, UnfinishedOrders

DETAIL = {"objects": [], "concurrency": 2}


async def test_what_was_begun_and_not_ended_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "unfinished.json"
    orders = UnfinishedOrders(path)
    assert orders.read() == {}
    await orders.add("a", "http://o1", DETAIL)
    await orders.add("b", "http://o2", DETAIL)
    await orders.remove("a")
    await orders.remove("never")
    assert UnfinishedOrders(path).read() == {"b": Unfinished("http://o2", DETAIL)}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": {"origin": "o"}}'])
def test_a_spoilt_file_is_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "unfinished.json"
    path.write_text(text)
    assert UnfinishedOrders(path).read() == {}


async def test_a_disk_that_takes_nothing_is_told_of_at_the_beginning_only(tmp_path: Path) -> None:
    orders = UnfinishedOrders(tmp_path / "gone" / "unfinished.json")
    with pytest.raises(OSError, match="gone"):
        await orders.add("a", "http://o1", DETAIL)
    await orders.remove("a")
