"""A worker that shares with nobody has nobody to tell."""

from __future__ import annotations

import pytest

from cdnkit.wire import MissClass
from edge.cache.sharing import Alone
from tests.edge.made import an_entry


def test_a_worker_alone_owns_everything_and_tells_nobody() -> None:
    assert Alone().owner_of("00ff") is None
    with pytest.raises(AssertionError):
        Alone().held(an_entry(1), 0)
    with pytest.raises(AssertionError):
        Alone().renewed(an_entry(1))
    with pytest.raises(AssertionError):
        Alone().gone(an_entry(1), MissClass.PURGED)
