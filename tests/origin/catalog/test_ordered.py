"""The ordered map against a plain dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.ordered import OrderedMap

KEY = st.text("ab/_Zé\U0001f981", max_size=4)
STEP = st.tuples(st.booleans(), KEY, st.integers())


@given(
    start=st.dictionaries(KEY, st.integers()),
    steps=st.lists(STEP),
    prefix=KEY,
    after=KEY,
    limit=st.integers(1, 5),
)
def test_it_is_a_dictionary_with_sorted_pages(
    start: dict[str, int],
    steps: list[tuple[bool, str, int]],
    prefix: str,
    after: str,
    limit: int,
) -> None:
    plain = dict(start)
    ordered = OrderedMap(start.items())
    for adds, key, value in steps:
        if adds:
            plain[key] = value
            ordered.put(key, value)
        else:
            plain.pop(key, None)
            ordered.remove(key)
    assert len(ordered) == len(plain)
    assert all(ordered.get(key) == value for key, value in plain.items())
    wanted = sorted(key for key in plain if key.startswith(prefix) and key > after)
    values, following = ordered.page(prefix=prefix, after=after, limit=limit)
    assert values == [plain[key] for key in wanted[:limit]]
    assert following == (wanted[limit - 1] if len(wanted) > limit else None)


def test_empty_key_is_in_no_page_because_nothing_precedes_it() -> None:
    assert OrderedMap([("", 1), ("a", 2)]).page(limit=5) == ([2], None)
