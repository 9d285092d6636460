from __future__ import annotations

from cdnkit.fields import FieldLines
from edge.uncacheable import PASS_SECONDS, Uncacheable
from tests.helpers.clock import FakeClock

TARGET = b"/a"
PLAIN = FieldLines([])
BY_LANGUAGE = FieldLines([(b"vary", b"Accept-Language")])


def speaking(language: bytes) -> FieldLines:
    return FieldLines([(b"accept-language", language)])


def made(clock: FakeClock, changed: set[bytes] | None = None) -> Uncacheable:
    return Uncacheable(lambda target, epoch: target in (changed or set()), clock)


def test_a_target_is_remembered_for_a_while() -> None:
    clock = FakeClock(100.0)
    uncacheable = made(clock)
    uncacheable.note(TARGET, PLAIN, PLAIN, 0)
    assert uncacheable.has(TARGET, speaking(b"de"))
    assert not uncacheable.has(b"/b", PLAIN)
    clock.advance(PASS_SECONDS)
    assert not uncacheable.has(TARGET, PLAIN)


def test_an_unstorable_variant_says_nothing_about_the_others() -> None:
    uncacheable = made(FakeClock(0.0))
    uncacheable.note(TARGET, speaking(b"de"), BY_LANGUAGE, 0)
    assert uncacheable.has(TARGET, speaking(b"de"))
    assert not uncacheable.has(TARGET, speaking(b"fr"))
    assert not uncacheable.has(TARGET, PLAIN)


def test_a_star_speaks_of_every_request() -> None:
    uncacheable = made(FakeClock(0.0))
    uncacheable.note(TARGET, speaking(b"de"), FieldLines([(b"vary", b"*")]), 0)
    assert uncacheable.has(TARGET, speaking(b"fr"))


def test_a_change_forgets_it() -> None:
    changed: set[bytes] = set()
    uncacheable = made(FakeClock(0.0), changed)
    uncacheable.note(TARGET, PLAIN, PLAIN, 0)
    changed.add(b"/b")
    assert uncacheable.has(TARGET, PLAIN)
    changed.add(TARGET)
    assert not uncacheable.has(TARGET, PLAIN)
