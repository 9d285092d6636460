from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.cache.index import LruIndex

CAPACITY = 10


def test_the_least_used_leaves_first() -> None:
    index = LruIndex[str](3)
    for unit in "abc":
        assert index.admit(unit, 1) == []
    index.touch("a")
    assert index.admit("d", 2) == ["b", "c"]
    assert ("a" in index, "b" in index, "d" in index) == (True, False, True)
    assert (len(index), index.held_bytes) == (2, 3)


def test_what_can_never_fit_changes_nothing() -> None:
    index = LruIndex[str](3)
    index.admit("a", 3)
    assert index.admit("b", 4) is None
    assert (list(filter(index.__contains__, "ab")), index.held_bytes) == (["a"], 3)


def test_units_that_are_not_held_are_passed_over() -> None:
    index = LruIndex[str](3)
    index.touch("a")
    index.remove("a")
    assert (len(index), index.held_bytes) == (0, 0)


class Model:
    """The same by a list, least used first."""

    def __init__(self) -> None:
        self.units: list[tuple[int, int]] = []

    def remove(self, unit: int) -> int | None:
        for place, (held, size) in enumerate(self.units):
            if held == unit:
                del self.units[place]
                return size
        return None

    def touch(self, unit: int) -> None:
        size = self.remove(unit)
        if size is not None:
            self.units.append((unit, size))

    def admit(self, unit: int, size: int) -> list[int] | None:
        if size > CAPACITY:
            return None
        self.remove(unit)
        victims = []
        while sum(size for _, size in self.units) + size > CAPACITY:
            victims.append(self.units.pop(0)[0])
        self.units.append((unit, size))
        return victims


units = st.integers(0, 6)
steps = st.lists(
    st.tuples(st.just("admit"), units, st.integers(0, CAPACITY + 1))
    | st.tuples(st.sampled_from(["touch", "remove"]), units, st.just(0)),
    max_size=40,
)


@given(steps)
def test_it_behaves_as_a_list_would(steps: list[tuple[str, int, int]]) -> None:
    index, model = LruIndex[int](CAPACITY), Model()
    for what, unit, size in steps:
        match what:
            case "admit":
                assert index.admit(unit, size) == model.admit(unit, size)
            case "touch":
                index.touch(unit)
                model.touch(unit)
            case _:
                index.remove(unit)
                model.remove(unit)
        assert index.held_bytes == sum(size for _, size in model.units) <= CAPACITY
        assert len(index) == len(model.units)
        assert all((unit in index) == any(unit == u for u, _ in model.units) for unit in range(7))


@given(steps)
def test_pop_empties_it_in_the_order_of_use(steps: list[tuple[str, int, int]]) -> None:
    index, model = LruIndex[int](CAPACITY), Model()
    for what, unit, size in steps:
        if what == "admit":
            index.admit(unit, size)
            model.admit(unit, size)
        else:
            index.touch(unit)
            model.touch(unit)
    assert [index.pop() for _ in model.units] == [unit for unit, _ in model.units]
    assert index.pop() is None
    assert index.held_bytes == 0
