"""A question is overtaken by what changed after it, and by nothing that changed before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.cache.epochs import Epochs

targets = st.sampled_from([b"/a", b"/b", b"/c", b"/d"])
events = st.lists(st.one_of(targets, st.none()), max_size=30)


@given(before=events, after=events, target=targets)
def test_only_what_changed_after_the_question_overtakes_it(
    before: list[bytes | None], after: list[bytes | None], target: bytes
) -> None:
    epochs = Epochs()
    for event in before:
        epochs.change_all() if event is None else epochs.change(event)
    asked = epochs.now
    assert not epochs.is_past(target, asked)
    for event in after:
        epochs.change_all() if event is None else epochs.change(event)
    assert epochs.is_past(target, asked) == (target in after or None in after)


@given(events=st.lists(targets, max_size=30), bound=st.integers(0, 3), target=targets)
def test_forgetting_may_only_err_on_the_safe_side(
    events: list[bytes], bound: int, target: bytes
) -> None:
    epochs, exact = Epochs(bound), Epochs()
    asked = []
    for event in events:
        asked.append(epochs.now)
        epochs.change(event)
        exact.change(event)
    for moment in asked:
        assert epochs.is_past(target, moment) or not exact.is_past(target, moment)
    assert not epochs.is_past(target, epochs.now)
