"""The shapes of orders agree with what is read and laid out."""

from __future__ import annotations

from typing import Any

import pytest

from cdnkit.errors import BadRequestError
from cdnkit.service.operations import operation_of
from cdnkit.wire import ChangeKind
from origin.orders import asked, declared

READERS = [
    (asked.parse_purge, declared.PurgeBody),
    (asked.parse_warm, declared.WarmBody),
    (asked.parse_pin, declared.PinBody),
]


@pytest.mark.parametrize(("read", "shape"), READERS)
def test_members_of_a_body_are_those_that_are_read(read: Any, shape: Any) -> None:
    with pytest.raises(BadRequestError) as caught:
        read({"nonsense": 1})
    known = set(caught.value.detail.partition("known are: ")[2].split(", "))
    assert set(shape.model_fields) == known


@pytest.mark.parametrize("kind", [ChangeKind.PURGE, ChangeKind.WARM, ChangeKind.PIN])
def test_giving_is_named_for_its_kind(kind: ChangeKind) -> None:
    async def give(request: Any) -> None:
        """Give an order."""

    said = operation_of(declared.giving(kind, "purge")(give))
    assert said is not None
    assert said.summary == f"Order the edges to {kind.value}."
    assert said.scope == "purge"
