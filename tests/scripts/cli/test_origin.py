"""Claims about `cinedge origin`: which records its arguments make, and who may upload."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from config.topology import OriginNode, Topology
from scripts.cli import origin
from scripts.cli.errors import UsageError

_SECRET = "a-token-of-some-length"
_HERE = ("--listen", "127.0.0.1:8000", "--data", "data")
_PUBLIC = ("--listen", "0.0.0.0:8000", "--data", "data")


def start(*words: str) -> tuple[OriginNode, Topology, bool]:
    parser = argparse.ArgumentParser()
    origin.add_parser(parser.add_subparsers())
    started: list[tuple[OriginNode, Topology, bool]] = []

    def run_origin(
        node: OriginNode, topology: Topology, file: object = None, *, open_uploads: bool
    ) -> int:
        started.append((node, topology, open_uploads))
        return 7

    args = parser.parse_args(["origin", *words])
    assert origin.start(args, {"TOKEN": _SECRET, "SHORT": "x", "EMPTY": ""}, run_origin) == 7
    return started[0]


def test_loopback_takes_uploads_without_a_token_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    node, topology, open_uploads = start(*_HERE)
    assert open_uploads
    assert topology.access_tokens == ()
    assert node.data == str(Path("data").resolve())
    assert node.volumes == ()
    assert "uploads need no token" in capsys.readouterr().err


def test_any_other_address_refuses_to_start_without_a_token() -> None:
    with pytest.raises(UsageError, match="give --token-env NAME or --token-file FILE"):
        start(*_PUBLIC)


def test_a_token_closes_uploads_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (_HERE, _PUBLIC):
        _, topology, open_uploads = start(*words, "--token-env", "TOKEN")
        assert not open_uploads
        (token,) = topology.access_tokens
        assert token.secret == _SECRET
        assert "upload" in token.scopes
    assert capsys.readouterr().err == ""


def test_token_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{_SECRET}\n")
    assert start(*_PUBLIC, "--token-file", str(file))[1].access_tokens[0].secret == _SECRET


def test_size_bounds_the_volume_that_would_be_used_anyway() -> None:
    from origin.app import volumes_of

    (bounded,), (free,) = start(*_HERE, "--size", "1GiB")[0].volumes, volumes_of(start(*_HERE)[0])
    assert (bounded.name, bounded.path) == (free.name, free.path)
    assert bounded.size_bytes == 1 << 30


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--data", "d"), "give --listen"),
        ((*_PUBLIC, "--token-env", "NOTHING"), "NOTHING holds no token"),
        ((*_PUBLIC, "--token-env", "EMPTY"), "EMPTY holds no token"),
        ((*_PUBLIC, "--token-env", "SHORT"), "at least 8 characters"),
        ((*_PUBLIC, "--token-env", "TOKEN", "--token-file", "f"), "not both"),
        ((*_PUBLIC, "--token-file", "/nowhere/token"), "No such file"),
    ],
)
def test_what_cannot_be_is_said(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        start(*words)


def test_topology_with_tokens_closes_uploads(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    text = "origins: [{name: o, listen: '127.0.0.1:1', data: d}]\n"
    file.write_text(text)
    assert start("--topology", str(file))[2]
    file.write_text(text + "access_tokens: [{name: a, secret_env: TOKEN}]\n")
    node, _, open_uploads = start("--topology", str(file), "--name", "o")
    assert not open_uploads
    assert node.data == str(tmp_path / "d")
