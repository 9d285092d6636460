"""Words are folded so that what people type meets what is written, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.catalog.words import WORD_CHARACTERS_MAX, fold, plain_words, slug, words_of


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Léon", "leon"),
        ("STRAßE", "strasse"),
        ("Æon Flux", "aeon flux"),
        ("Smørrebrød Łódź", "smorrebrod lodz"),
        ("Αθήνα", "αθηνα"),
        ("Ёлки", "елки"),
        ("Йод и иод", "йод и иод"),
        ("がか", "がか"),
        ("한국", "한국"),
        ("ﬁlm", "film"),
    ],
)
def test_accents_go_and_letters_stay(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ocean's Eleven", ["oceans", "eleven"]),
        ("L’Été – d'Amélie", ["lete", "damelie"]),
        ("M*A*S*H & WALL·E", ["m", "a", "s", "h", "wall", "e"]),
        ("Rocky II, Part VIII", ["rocky", "2", "part", "8"]),
        ("Malcolm X vs. I, Robot", ["malcolm", "x", "vs", "i", "robot"]),
        ("千と千尋", ["千", "と", "千", "尋"]),
        ("हिन्दी फ़िल्म", ["हिन्दी", "फ़िल्म"]),
        ("Звёздные войны", ["звездные", "войны"]),
        ("!?… 🎬", []),
    ],
)
def test_text_is_cut_into_words_of_its_script(text: str, words: list[str]) -> None:
    folded = [fold(word) for word in words]
    assert plain_words(text) == folded
    assert [word.text for word in words_of(text)] == folded


@given(st.text())
def test_words_know_where_they_stand(text: str) -> None:
    stop = 0
    for word in words_of(text):
        assert stop <= word.start < word.stop <= len(text)
        assert 0 < len(word.text) <= WORD_CHARACTERS_MAX
        assert text[word.start : word.stop].strip() == text[word.start : word.stop]
        stop = word.stop


@given(st.text())
def test_words_are_the_same_with_and_without_their_places(text: str) -> None:
    assert plain_words(text) == [word.text for word in words_of(text)]


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_slugs_are_words_joined() -> None:
    assert slug("Film Noir / Crime") == "film-noir-crime"
    assert slug("…") == ""
