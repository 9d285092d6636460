"""Snippets show the part that matches; marks point at whole words of what is shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.words import plain_words
from origin.domains.search.rules import read_query
from origin.domains.search.snippets import ELLIPSIS, SNIPPET_CHARACTERS_MAX, cut_snippet

LONG = "A quiet beginning. " * 30 + "Then Léon waters the plant of Mathilda. " + "And so on. " * 40


def test_part_with_most_words_is_shown_and_marked() -> None:
    snippet = cut_snippet(LONG, read_query("the plant leon"))
    assert snippet.text.startswith(ELLIPSIS)
    assert snippet.text.endswith(ELLIPSIS)
    assert [snippet.text[start:stop] for start, stop in snippet.marks] == ["Léon", "plant"]


def test_text_without_a_match_is_shown_from_its_beginning() -> None:
    assert cut_snippet("A  film.\nOf <b>people</b>.", read_query("x")).text == (
        "A film. Of <b>people</b>."
    )
    assert cut_snippet("", read_query("x")).marks == ()


def test_word_still_being_typed_is_marked_where_it_begins_one() -> None:
    snippet = cut_snippet("Casablanca is in Morocco.", read_query("casa"))
    assert snippet.marks == ((0, 10),)


@given(
    st.lists(st.sampled_from(["plant", "Léon", "🎬", "x" * 50, "a", "\n"])).map(" ".join),
    st.sampled_from(["plant", "leon a", "", "🎬"]),
)
def test_marks_are_words_of_the_query(text: str, query: str) -> None:
    asked = read_query(query)
    snippet = cut_snippet(text, asked)
    assert len(snippet.text) <= SNIPPET_CHARACTERS_MAX + 2 * len(ELLIPSIS)
    last = 0
    for start, stop in snippet.marks:
        assert last <= start < stop <= len(snippet.text)
        (word,) = plain_words(snippet.text[start:stop])
        assert any(word.startswith(each.text) for each in asked.words)
        last = stop
