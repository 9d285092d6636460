"""The least that a crowd costs here: a bare loop that sends each of its members the same bytes.

`python -m scripts.benchmark.crowd_floor PORT CLIENTS` answers single requests with an empty answer.
Once so many have asked for a film it sends a head and the first 4 KiB to all, one call for each.
What followers wait in front of it is the kernel's time and the client's; nothing was found out for
them, and no origin was asked.
"""

from __future__ import annotations

import select
import socket
import sys
from typing import Final

_HEAD: Final = b"HTTP/1.1 200 OK\r\nX-Request-Id: %d\r\nContent-Length: 16777216\r\n\r\n"
_OTHERWISE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_PIECE: Final = bytes(4096)


def serve(port: int, clients: int) -> None:
    """For ever."""
    poll, by_number, waiting = select.epoll(), dict[int, socket.socket](), list[socket.socket]()
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                by_number[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
                continue
            connection = by_number[number]
            data = connection.recv(4096)
            if not data:
                by_number.pop(number).close()
            elif b" /cold/" in data:
                waiting.append(connection)
            else:
                connection.sendall(_OTHERWISE)
        if len(waiting) == clients:
            for place, connection in enumerate(waiting):
                connection.send(_HEAD % place + _PIECE)
            waiting.clear()


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
