"""The socket by which a running `cinedge up` is told to start and stop its processes.

One JSON object a line, one answer a line: `do` is list, start, stop, restart, hang_up or settle.
What is started here is on trial: when it ends, it stays ended and its last words are listed, until
`settle` says that the change is done and it is to be kept alive like the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from scripts.cli.errors import FailedError
from scripts.supervise import Supervisor

SOCKET_NAME: Final = "control.sock"
_ANSWER_SECONDS: Final = 60.0

CommandOf = Callable[[str, str, str | None], Sequence[str]]
"""The command of a tier's node, which begins with another file when one is given."""


class Control:
    """Does what is asked. `command_of` makes the command lines."""

    def __init__(self, supervisor: Supervisor, command_of: CommandOf) -> None:
        self._supervisor = supervisor
        self._command_of = command_of
        self._started: dict[str, str] = {}

    async def do(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One order; the answer says what came of it."""
        supervisor, name = self._supervisor, str(order.get("name", ""))
        match order.get("do"):
            case "list":
                return {"running": supervisor.running(), "ended": supervisor.ended}
            case "start" | "restart":
                await supervisor.stop(name)
                tier = str(order["tier"])
                command = self._command_of(tier, name, order.get("file"))
                supervisor.start(name, command, on_trial=True)
                self._started[name] = tier
            case "stop":
                await supervisor.stop(name)
                self._started.pop(name, None)
            case "hang_up":
                supervisor.hang_up()
            case "settle":
                for each, tier in self._started.items():
                    supervisor.keep(each, self._command_of(tier, each, None))
                self._started.clear()
            case unknown:
                return {"error": f"there is no order {unknown!r}"}
        return {}

    @asynccontextmanager
    async def serving(self, folder: Path) -> AsyncIterator[None]:
        """Take orders inside the block, from whoever may write in `folder`."""
        with _short_path(folder) as path:
            with suppress(FileNotFoundError):
                os.unlink(path)
            server = await asyncio.start_unix_server(self._converse, path)
            os.chmod(path, 0o600)
        try:
            yield
        finally:
            server.close()
            (folder / SOCKET_NAME).unlink(missing_ok=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    answer = await self.do(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    answer = {"error": f"not an order: {error}"}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


class Hands:
    """Gives orders to the `cinedge up` that runs on a folder. Raises FailedError."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_ANSWER_SECONDS)
        with _short_path(folder) as path:
            self._socket.connect(path)
        self._lines = self._socket.makefile("r")

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        """One order and its answer."""
        try:
            self._socket.sendall(json.dumps({"do": what, **more}).encode() + b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise FailedError(f"`cinedge up` does not answer: {error}") from error
        if not line:
            raise FailedError("`cinedge up` has ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise FailedError(f"`cinedge up`: {answer['error']}")
        return answer

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()


def hands_in(folder: Path) -> Hands | None:
    """Hands of the `cinedge up` that runs on a folder; None when none does."""
    try:
        return Hands(folder)
    except (FileNotFoundError, ConnectionRefusedError):
        return None


@contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """A path of the socket that is short enough for the kernel, however long the folder's is."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)
