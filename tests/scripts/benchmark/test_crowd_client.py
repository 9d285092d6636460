"""What a crowd tells: who was first, and how much longer the others waited."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.benchmark.crowd_client import Client, ask_at_once, read_all, told_of

CONTENT = bytes(range(256)) * 400
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)


@contextmanager
def serving(count: int) -> Iterator[int]:
    """A server that answers so many connections, head and first byte apart from the rest."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for connection in [listener.accept()[0] for _ in range(count)]:
                with connection:
                    connection.recv(4096)
                    connection.sendall(HEAD + CONTENT[:1])
                    connection.sendall(CONTENT[1:])

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_every_body_is_read_to_its_end_and_hashed() -> None:
    with serving(5) as port:
        clients = ask_at_once(port, "/a", 5)
        read_all(clients)
    told = told_of(clients)
    assert told["digests"] == {hashlib.sha256(CONTENT).hexdigest(): 5}
    assert (told["statuses"], told["cut"]) == ({200: 5}, 0)
    assert told["added_ms"][0] == 0
    for each in clients:
        each.socket.close()


def test_waits_are_told_from_the_first_byte_of_all_and_from_the_own_question() -> None:
    with socket.socket() as one, socket.socket() as other:
        clients = [
            Client(one, asked_at=1.0, first_at=1.5),
            Client(other, asked_at=1.25, first_at=2.0),
        ]
        told = told_of(clients)
    assert (told["leader_ms"], told["asked_ms"]) == (500, 250)
    assert told["added_ms"] == [0, 500]
    assert told["own_added_ms"] == [0, 250]
