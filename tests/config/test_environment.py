"""A secret comes from a variable or from the file that one names, or it is said why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.environment import SECRET_BYTES_MAX, SecretError, secret_of


def refusal(environ: dict[str, str]) -> SecretError:
    with pytest.raises(SecretError) as refused:
        secret_of("KEY", environ)
    return refused.value


def test_a_variable_is_taken_as_it_is() -> None:
    assert secret_of("KEY", {"KEY": " a secret "}) == " a secret "


@pytest.mark.parametrize("content", ["hush", "hush\n", "hush\r\n", "\n hush \n"])
def test_a_file_is_taken_without_what_editors_add(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    assert secret_of("KEY", {"KEY_FILE": str(tmp_path / "key")}) == "hush"
    assert secret_of("KEY", {"KEY": "", "KEY_FILE": str(tmp_path / "key")}) == "hush"


def test_what_is_not_set_is_said_with_both_ways_to_set_it() -> None:
    error = refusal({})
    assert error.message == "environment variable 'KEY' is not set"
    assert "KEY_FILE" in error.hint


def test_two_ways_at_once_are_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush")
    error = refusal({"KEY": "other", "KEY_FILE": str(tmp_path / "key")})
    assert error.message == "environment variables 'KEY' and 'KEY_FILE' are both set"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hush\xff", "is no UTF-8 text"),
        (b"hush" * SECRET_BYTES_MAX, "is longer than any secret"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_and_not_shown(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    error = refusal({"KEY_FILE": str(path)})
    assert error.message == f"{str(path)!r}, which 'KEY_FILE' names, {message}"
    assert error.hint
    assert "hush" not in error.message + error.hint


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    assert "cannot be read: Is a directory" in refusal({"KEY_FILE": str(tmp_path)}).message
