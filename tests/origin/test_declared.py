"""What is declared of reading objects is what the handlers have."""

from __future__ import annotations

from cdnkit.service.operations import operation_of
from origin.contents import Contents
from origin.declared import ObjectsQuery
from origin.reply import RangeNotSatisfiableError


def test_reads_are_declared_with_every_end() -> None:
    read, listing = operation_of(Contents.get), operation_of(Contents.list)
    assert read is not None
    assert listing is not None
    assert set(read.answers) == {200, 206, 304}
    assert RangeNotSatisfiableError in read.problems
    assert {"Range", "If-Range", "If-None-Match"} <= set(read.fields)
    assert listing.query is ObjectsQuery
    assert not read.scope
