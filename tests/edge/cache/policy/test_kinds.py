from __future__ import annotations

from edge.cache.policy.kinds import Kinds


def test_the_longest_prefix_says_the_kind() -> None:
    kinds = Kinds([b"/films/", b"/films/trailers/", b"/posters/"])
    targets = (b"/films/a.mp4", b"/films/trailers/a.mp4", b"/posters/a.jpg", b"/film", b"/")
    for number, target in enumerate(targets):
        kinds.enrol(number, target)
    assert [kinds.of(number) for number in range(len(targets))] == [1, 2, 3, 0, 0]


def test_what_is_forgotten_may_come_back_as_another_kind() -> None:
    kinds = Kinds([b"/a/"])
    kinds.enrol(7, b"/a/x")
    kinds.forget(7)
    assert kinds.of(7) == 0
    kinds.forget(7)
    kinds.enrol(7, b"/b/x")
    assert kinds.of(7) == 0


def test_levels_are_those_of_the_rule_with_what_has_no_share_first() -> None:
    kinds = Kinds([b"/a/", b"/b/"])
    assert list(kinds.levels()) == [("other", 0, 0), ("/a/", 0, 0), ("/b/", 0, 0)]
    kinds.room_bytes, kinds.held_bytes = [5, 3, 2], [1, 0, 4]
    assert list(kinds.levels()) == [("other", 5, 1), ("/a/", 3, 0), ("/b/", 2, 4)]
