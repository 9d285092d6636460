"""Claims about `cinedge edge`: which records its arguments make."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from config.caching import Caching
from config.topology import Address, EdgeNode, Tls, Topology
from scripts.cli import edge
from scripts.cli.errors import UsageError

_ALONE = ("--listen", "127.0.0.1:9000", "--pull", "http://127.0.0.1:8000", "--cache", "cache")


def start(*words: str) -> tuple[EdgeNode, Topology]:
    parser = argparse.ArgumentParser()
    edge.add_parser(parser.add_subparsers())
    started: list[tuple[EdgeNode, Topology]] = []

    def run_edge(node: EdgeNode, topology: Topology, file: object = None) -> int:
        started.append((node, topology))
        return 7

    assert edge.start(parser.parse_args(["edge", *words]), {}, run_edge) == 7
    return started[0]


def test_one_line_is_a_pull_through_edge() -> None:
    node, topology = start(*_ALONE)
    assert (node.name, node.listen, node.workers) == ("edge", Address("127.0.0.1", 9000), 1)
    assert node.disks[0].path == str(Path("cache").resolve())
    assert node.disks[0].size_bytes == 10 << 30
    assert node.url == "http://127.0.0.1:9000"
    (route,) = topology.routes
    assert (route.prefix, route.upstream, route.token) == ("/", ("http://127.0.0.1:8000",), False)
    assert topology.sites[0].name == node.site


def test_every_option_reaches_its_setting() -> None:
    words = [
        "--size",
        "50GiB",
        "--workers",
        "3",
        "--admin",
        "[::1]:9100",
        "--name",
        "e",
        "--block-size",
        "4MiB",
    ]
    more = ["--block-size", "4MiB", "--congestion-control", "reno", "--access-log", "-"]
    more += ["--pull", "http://b", "--profile", "rfc"]
    node, topology = start(*_ALONE, *words, *more)
    assert node.disks[0].size_bytes == 50 << 30
    assert (node.workers, node.admin, node.name) == (3, Address("::1", 9100), "e")
    assert node.settings.block_bytes == 4 << 20
    assert (node.settings.congestion_control, node.settings.access_log) == ("reno", "-")
    assert node.settings.caching == Caching("rfc")
    assert topology.edge_settings == node.settings
    assert topology.routes[0].upstream == ("http://127.0.0.1:8000", "http://b")


@pytest.mark.parametrize("listen", ["0.0.0.0:9000", "127.0.0.1:0"])
def test_an_edge_alone_needs_no_url(listen: str) -> None:
    assert start(*_ALONE, "--listen", listen)[0].url == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--listen", "127.0.0.1:1"), "give --pull and --cache"),
        ((*_ALONE, "--block-size", "100000"), "not a power of two; the nearest"),
        ((*_ALONE, "--admin", "127.0.0.1:9000"), "already taken"),
        ((*_ALONE, "--topology", "t"), "remove --listen, --pull, --cache"),
    ],
)
def test_what_cannot_be_is_said(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        start(*words)


@pytest.mark.parametrize(
    "words", [("--pull", "ftp://a"), ("--workers", "0"), ("--size", "1G"), ("--listen", "9000")]
)
def test_values_outside_their_bounds_are_refused(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        start(*_ALONE, *words)
    assert stopped.value.code == 2
    assert f"argument {words[0]}" in capsys.readouterr().err


def test_a_certificate_and_its_key_belong_together(tmp_path: Path) -> None:
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.touch()
    with pytest.raises(UsageError, match="both or none"):
        start(*_ALONE, "--tls-cert", str(certificate))
    with pytest.raises(UsageError, match=r"no file .*key\.pem"):
        start(*_ALONE, "--tls-cert", str(certificate), "--tls-key", str(key))
    key.touch()
    node, _ = start(*_ALONE, "--tls-cert", str(certificate), "--tls-key", str(key))
    assert node.tls == Tls(str(certificate), str(key))
    assert node.url == "https://127.0.0.1:9000"
