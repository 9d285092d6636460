"""`cinedge token` gives tokens that edges take, says what they allow, and prints no key."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.cli.main import main

SECRET = "sixteen-letters-or-more"
TOPOLOGY = f"""
token_keys:
  - {{id: j1, secret: a-shared-key-of-the-tests-32-by!, dialect: jwt}}
  - {{id: k1, secret: {SECRET}}}
"""


@pytest.fixture
def topology(tmp_path: Path) -> str:
    path = tmp_path / "topology.yaml"
    path.write_text(TOPOLOGY)
    return str(path)


def mint(capsys: pytest.CaptureFixture[str], topology: str, *words: str) -> str:
    assert main(["token", "mint", "--topology", topology, "--path", "/films/a/", *words]) == 0
    return capsys.readouterr().out.strip()


def show(
    capsys: pytest.CaptureFixture[str], topology: str, token: str, *words: str
) -> tuple[int, str]:
    code = main(["token", "show", token, "--topology", topology, *words])
    said = capsys.readouterr().out
    assert SECRET not in said
    return code, said


def test_a_minted_token_is_shown_and_allowed(
    capsys: pytest.CaptureFixture[str], topology: str
) -> None:
    token = mint(capsys, topology, "--for", "2h", "--ends-streams", "--session", "s-1")
    code, said = show(capsys, topology, token, "--path", "/films/a/x")
    assert code == 0
    assert 'key_id: "k1"' in said
    assert "ends_streams: true" in said
    assert "allowed for /films/a/x" in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--path", "/films/b/x"), "wrong-path"),
        (("--ip", "2001:db8:0:1::9"), "wrong-client"),
        (("--ip", "2001:db8::9", "--country", "US"), "wrong-country"),
        (("--ip", "2001:db8::9", "--country", "DE"), None),
        (("--ip", "2001:db8::9"), None),
    ],
)
def test_a_token_is_judged_for_a_viewer(
    capsys: pytest.CaptureFixture[str], topology: str, words: tuple[str, ...], reason: str | None
) -> None:
    token = mint(capsys, topology, "--network", "2001:db8::/64", "--country", "de")
    code, said = show(capsys, topology, token, *words)
    assert code == (0 if reason is None else 1)
    assert ("allowed" if reason is None else f"refused: {reason}") in said


def test_an_ended_or_foreign_token_is_refused(
    capsys: pytest.CaptureFixture[str], topology: str
) -> None:
    code, said = show(capsys, topology, mint(capsys, topology, "--for", "0s"))
    assert (code, "refused: expired" in said) == (1, True)
    code, said = show(capsys, topology, "nonsense")
    assert (code, said.startswith("refused: malformed")) == (1, True)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--network", "2001:db8::1/64"), "--network"),
        (("--for", "soon"), "duration"),
    ],
)
def test_wrong_arguments_are_said(
    capsys: pytest.CaptureFixture[str], topology: str, words: tuple[str, ...], complaint: str
) -> None:
    assert main(["token", "mint", "--topology", topology, "--path", "/a/", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_a_topology_without_a_native_key_signs_nothing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text("version: 1\n")
    assert main(["token", "mint", "--topology", str(path), "--path", "/a/"]) == 2
    assert "native key" in capsys.readouterr().err
