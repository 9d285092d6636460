"""An origin that only listens well: it answers everything, and keeps what it was asked.

Requests are read by h11, a parser that is not ours: what it refuses is a complaint about who sent
it. It runs in threads of its own, so that real processes can ask it while a test waits.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import h11

_RECEIVE_BYTES = 65536
_FRAMING = ("host", "content-length", "transfer-encoding")


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came: field names in lower case, in order."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    content: bytes

    def lines(self, name: str) -> list[str]:
        """Values of all lines of a name."""
        return [value for each, value in self.fields if each == name]

    def faults(self) -> list[str]:
        """What no message of a proxy's own making would have."""
        found = [name for name in _FRAMING if len(self.lines(name)) > 1]
        if len(self.lines("host")) != 1:
            found.append("not one host")
        if self.lines("content-length") and self.lines("transfer-encoding"):
            found.append("two framings")
        return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets; its length is added."""

    status: int = 200
    fields: tuple[tuple[str, str], ...] = (("Cache-Control", "no-store"),)
    content: bytes = b"content"


def answer_alike(heard: Heard) -> Answer:
    """Everything gets the same, and nothing is to be kept."""
    return Answer()


class RecordingOrigin:
    """Use as a context; `heard` and `complaints` grow as requests come."""

    def __init__(self, answer: Callable[[Heard], Answer] = answer_alike) -> None:
        self._answer = answer
        self.heard: list[Heard] = []
        self.complaints: list[str] = []
        origin = self

        class Connection(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                origin._serve(self.request)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, sock: socket.socket) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while self._answer_one(connection, sock):
                connection.start_next_cycle()
        except h11.RemoteProtocolError as error:
            self.complaints.append(str(error))
        except (OSError, h11.LocalProtocolError):
            return

    def _answer_one(self, connection: h11.Connection, sock: socket.socket) -> bool:
        request: h11.Request | None = None
        content = b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(sock.recv(_RECEIVE_BYTES))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        assert request is not None
        fields = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers
        )
        heard = Heard(request.method.decode(), request.target.decode("latin-1"), fields, content)
        self.heard.append(heard)
        answer = self._answer(heard)
        head = [*answer.fields, ("Content-Length", str(len(answer.content)))]
        response = h11.Response(status_code=answer.status, headers=head)
        sock.sendall(connection.send(response) or b"")
        if heard.method != "HEAD":
            sock.sendall(connection.send(h11.Data(data=answer.content)) or b"")
        sock.sendall(connection.send(h11.EndOfMessage()) or b"")
        return connection.our_state is h11.DONE
