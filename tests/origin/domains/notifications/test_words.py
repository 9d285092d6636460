"""Every kind is worded in every language, and no payload breaks out of its sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.domains.notifications.kinds import KINDS
from origin.domains.notifications.words import LANGUAGES, UNSUBSCRIBE, nearest_language, word

SITE = "https://films.example"


def test_every_kind_is_worded_in_every_language() -> None:
    assert {frozenset(each) for each in LANGUAGES.values()} == {frozenset(KINDS)}
    assert set(UNSUBSCRIBE) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("tag", "language"), [("", "en"), ("de-AT", "de"), ("DE", "de"), ("xx", "en")]
)
def test_language_is_the_nearest_that_there_is(tag: str, language: str) -> None:
    assert nearest_language(tag) == language


def test_sentence_takes_what_the_payload_says() -> None:
    words = word("title.added", "de", {"title": "Löwe"}, SITE)
    assert (words.subject, words.text) == ("Neu: Löwe", "Löwe ist jetzt zu sehen.")
    assert words.link == f"{SITE}/"


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        (f"{SITE}/#/verify?token=abc", f"{SITE}/#/verify?token=abc"),
        ("https://films.example.evil.example/", f"{SITE}/"),
        ("https://evil.example/", f"{SITE}/"),
        ("javascript:alert(1)", f"{SITE}/"),
        (f"{SITE}/a b", f"{SITE}/"),
        (f"{SITE}/\r\nBcc: x@example.org", f"{SITE}/"),
    ],
)
def test_links_lead_to_our_own_site_only(link: str, shown: str) -> None:
    assert word("account.verify", "en", {"link": link}, SITE).link == shown


@given(st.dictionaries(st.sampled_from(["title", "device", "plan_name"]), st.text()))
def test_any_payload_makes_a_subject_of_one_line(payload: dict[str, str]) -> None:
    for kind in KINDS:
        words = word(kind, "en", payload, SITE)
        assert words.subject.isprintable()
        assert "\n" not in words.text
