"""A network namespace for one run, where congestion control can be set for all servers alike.

Linux machines differ in their default, and one that paces (BBR) does so on loopback, too, at three
times the CPU time. Only root may make a namespace.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from scripts.cli.errors import FailedError, UsageError

MARK: Final = "CINEDGE_BENCH_NAMESPACE"
_CONGESTION: Final = Path("/proc/sys/net/ipv4/tcp_congestion_control")
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1


def is_inside() -> bool:
    """Whether this process runs in the namespace that `enter` made."""
    return MARK in os.environ


def enter(arguments: Sequence[str]) -> None:
    """Run the benchmark anew in a namespace of its own; does not return. Raises UsageError."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None:
        raise UsageError("--netns and --cc need root and the command unshare (util-linux)")
    words = [unshare, "--net", sys.executable, "-m", "scripts.benchmark", *arguments]
    os.execve(unshare, words, {**os.environ, MARK: "1"})


def settle(congestion_control: str) -> None:
    """Inside the namespace: raise loopback, set congestion control. Raises FailedError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack_from("h", request, 16)[0]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))
    if not congestion_control:
        return
    try:
        _CONGESTION.write_text(congestion_control)
    except OSError as error:
        raise FailedError(
            f"congestion control {congestion_control} cannot be set here: {error.strerror}"
        ) from None
