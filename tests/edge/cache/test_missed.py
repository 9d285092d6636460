"""An entry that is found late has missed nothing in the end."""

from __future__ import annotations

from edge.cache.missed import Missed
from edge.entry import Entry
from tests.edge.made import BLOCK, an_entry


def found(missed: Missed, entry: Entry) -> bool:
    """Whether the entry is still there once it has caught up."""

    def remove(each: Entry) -> None:
        each.replaced = True

    missed.catch_up(entry, remove)
    return not entry.replaced


def test_a_changed_target_goes_with_its_variants_and_nothing_else_does() -> None:
    missed = Missed()
    missed.invalidate(b"/a", None)
    keys = (b"/a", b"/a\naccept=x", b"/a?b", b"/ab")
    assert [found(missed, an_entry(BLOCK, key=key)) for key in keys] == [False, False, True, True]


def test_what_a_change_made_stays_unless_another_change_came_after_it() -> None:
    missed = Missed()
    missed.invalidate(b"/a", '"x"')
    missed.invalidate(b"/a", '"x"')
    assert found(missed, an_entry(BLOCK, [(b"etag", b'"x"')]))
    assert not found(missed, an_entry(BLOCK, [(b"etag", b'"y"')]))
    missed.invalidate(b"/a", '"y"')
    assert not found(missed, an_entry(BLOCK, [(b"etag", b'"x"')]))
    assert not found(missed, an_entry(BLOCK, [(b"etag", b'"y"')]))


def test_acts_come_in_order_and_end_with_the_entry() -> None:
    done: list[str] = []

    def end(entry: Entry) -> None:
        done.append("end")
        entry.replaced = True

    missed = Missed()
    missed.add(lambda entry: done.append("first"))
    missed.add(end)
    missed.add(lambda entry: done.append("never"))
    assert not found(missed, an_entry(BLOCK))
    assert done == ["first", "end"]


def test_once_all_is_found_nothing_is_remembered() -> None:
    missed = Missed()
    missed.invalidate(b"/a", None)
    missed.add(lambda entry: None)
    missed.forget()
    assert found(missed, an_entry(BLOCK))
