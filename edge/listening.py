"""The socket that viewers connect to, and room for as many of them as the system allows."""

from __future__ import annotations

import resource
import socket
from typing import Final

from config.topology import EdgeNode

_BACKLOG: Final = 4096


def bind(node: EdgeNode) -> socket.socket:
    """A listener at the address of an edge, which its workers share. Raises OSError."""
    family = socket.AF_INET6 if ":" in node.listen.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if node.workers > 1:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if node.settings.congestion_control:
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_CONGESTION, node.settings.congestion_control.encode()
        )
    listener.bind((node.listen.host, node.listen.port))
    listener.listen(_BACKLOG)
    listener.setblocking(False)
    return listener


def raise_descriptor_limit() -> None:
    """A film in many blocks and many viewers: take all descriptors the system allows us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
