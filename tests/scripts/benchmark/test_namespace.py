"""A namespace is entered only where it can be, and says so otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scripts.benchmark import namespace
from scripts.cli.errors import UsageError

SETTLE = """
from scripts.benchmark.namespace import settle
import socket
settle("reno")
socket.create_server(("127.0.0.1", 0)).close()
print(open("/proc/sys/net/ipv4/tcp_congestion_control").read())
"""


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UsageError, match="root"):
        namespace.enter(["--quick"])


def test_the_mark_says_that_we_are_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(namespace.MARK, raising=False)
    assert not namespace.is_inside()
    monkeypatch.setenv(namespace.MARK, "1")
    assert namespace.is_inside()


def test_congestion_control_is_set_inside_and_loopback_works() -> None:
    words = ["unshare", "--net", sys.executable, "-c", SETTLE]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare (util-linux)")
    if "unshare" in done.stderr:
        pytest.skip("may not make a network namespace")
    assert done.stdout.strip() == "reno", done.stderr
