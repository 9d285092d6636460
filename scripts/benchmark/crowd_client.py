"""Many clients that ask for one thing at once, in one process that is cheap enough not to matter.

`python -m scripts.benchmark.crowd_client PORT PATH CLIENTS [leave]` connects all, then asks by all,
reads every byte and prints one line of JSON: when each had its first byte of content, in
milliseconds after the first of all and after its own question, and what each body's SHA-256 is.
A client whose first byte is there is read from again when all have theirs, so that reading keeps
nobody's first byte waiting; with `leave` it closes instead. Answers are looked into afterwards.
"""

from __future__ import annotations

import hashlib
import json
import resource
import select
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

_READ_BYTES: Final = 1 << 18
_BEGIN_BYTES: Final = 1 << 16
_PATIENCE_SECONDS: Final = 120.0
_HEAD_END: Final = b"\r\n\r\n"


@dataclass(slots=True)
class Client:
    """One connection, what it has received first, and when."""

    socket: socket.socket
    asked_at: float = 0.0
    first_at: float = 0.0
    status: int = 0
    left_bytes: int = -1
    beginning: bytes = b""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def begin(self) -> bool:
        """Read the head and a first byte of content; True once both are there."""
        self.beginning += self.socket.recv(_BEGIN_BYTES)
        if -1 < self.beginning.find(_HEAD_END) < len(self.beginning) - len(_HEAD_END):
            self.first_at = time.perf_counter()
            return True
        return False

    def look(self) -> None:
        """Take apart what came first."""
        head, _, content = self.beginning.partition(_HEAD_END)
        self.status = int(head.split(b" ", 2)[1])
        lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        (length,) = (int(value) for name, _, value in lines if name.lower() == b"content-length")
        self.digest.update(content)
        self.left_bytes = length - len(content)

    def go_on(self, memory: memoryview) -> bool:
        """Read some content; True when there is no more to come."""
        size = self.socket.recv_into(memory)
        self.digest.update(memory[:size])
        self.left_bytes -= size
        return size == 0 or self.left_bytes <= 0


def ask_at_once(port: int, path: str, count: int) -> list[Client]:
    """Ask by `count` clients; returns when each has its first byte, or nothing more comes."""
    clients = [Client(socket.create_connection(("127.0.0.1", port))) for _ in range(count)]
    request = f"GET {path} HTTP/1.1\r\nHost: edge\r\n\r\n".encode()
    by_number = {each.socket.fileno(): each for each in clients}
    poll = select.epoll()
    for each in clients:
        poll.register(each.socket, select.EPOLLIN)
    for each in clients:
        each.asked_at = time.perf_counter()
        each.socket.sendall(request)
    waiting = count
    while waiting and (events := poll.poll(_PATIENCE_SECONDS)):
        for number, _ in events:
            if by_number[number].begin():
                waiting -= 1
                poll.unregister(number)
    for each in clients:
        each.look()
    return clients


def read_all(clients: list[Client]) -> None:
    """Read what is left of every answer."""
    memory = memoryview(bytearray(_READ_BYTES))
    reading = {each.socket.fileno(): each for each in clients if each.left_bytes}
    poll = select.epoll()
    for number in reading:
        poll.register(number, select.EPOLLIN)
    while reading and (events := poll.poll(_PATIENCE_SECONDS)):
        for number, _ in events:
            if number in reading and reading[number].go_on(memory):
                del reading[number]
                poll.unregister(number)


def told_of(clients: list[Client]) -> dict[str, Any]:
    """What became of them."""
    earliest = min(each.first_at for each in clients)
    leader = min(clients, key=lambda each: each.asked_at)
    own = (earliest - leader.asked_at) * 1000
    return {
        "statuses": Counter(each.status for each in clients),
        "cut": sum(each.left_bytes != 0 for each in clients),
        "digests": Counter(each.digest.hexdigest() for each in clients),
        "leader_ms": own,
        "asked_ms": (max(each.asked_at for each in clients) - leader.asked_at) * 1000,
        "added_ms": sorted((each.first_at - earliest) * 1000 for each in clients),
        "own_added_ms": sorted((each.first_at - each.asked_at) * 1000 - own for each in clients),
    }


def main(arguments: list[str]) -> int:
    """Ask and tell."""
    port, path, count, *leaving = arguments
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began = time.perf_counter()
    clients = ask_at_once(int(port), path, int(count))
    if not leaving:
        read_all(clients)
    for each in clients:
        each.socket.close()
    print(json.dumps({"seconds": time.perf_counter() - began, **told_of(clients)}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
