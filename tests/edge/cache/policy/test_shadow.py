from __future__ import annotations

import pytest

from edge.cache.policy.lru import Lru
from edge.cache.policy.shadow import FORGETTING, Shadow

A, B = (1, 0), (2, 0)


def test_what_it_would_have_missed_is_counted_and_fades() -> None:
    shadow = Shadow(10, lambda slots, _: Lru(slots))
    shadow.request(A, 8, 0)
    assert shadow.missed_bytes == 8
    shadow.request(A, 8, 1)
    assert shadow.missed_bytes == pytest.approx(8 * FORGETTING)
    shadow.request(B, 8, 2)
    shadow.request(A, 8, 3)
    assert shadow.missed_bytes == pytest.approx(8 * (FORGETTING**3 + FORGETTING + 1))
    assert len(shadow) == 1
