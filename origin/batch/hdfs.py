"""Snapshots in HDFS, by the protocol that Hadoop 2 and 3 speak; no Java on this side.

Two copies of each block by default, so that losing a DataNode loses nothing. A pipeline that loses
its DataNode in the middle either goes on with the other or fails here as UnavailableError; the file
then has no name yet and nobody has seen it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from hdfs_native import Client, WriteOptions

from cdnkit.errors import BadRequestError, NotFoundError, UnavailableError
from origin.batch.destination import CHUNK_BYTES, PARTIAL

REPLICATION: Final = 2
_CONNECT_SECONDS: Final = 10.0


class Hdfs:
    """A folder of a cluster."""

    def __init__(self, client: Client, address: str, root: str) -> None:
        self._client = client
        self._address = address
        self._root = root.rstrip("/")

    def put(self, path: str, chunks: Iterable[bytes]) -> None:
        target = self._path(path)
        aside = target + PARTIAL
        options = WriteOptions(overwrite=True, create_parent=True, replication=REPLICATION)
        try:
            with self._client.create(aside, options) as writer:
                for chunk in chunks:
                    writer.write(chunk)
            self._client.rename(aside, target, overwrite=True)
        except (OSError, RuntimeError) as error:
            raise self._unavailable("write", target, error) from error

    def read(self, path: str) -> Iterator[bytes]:
        target = self._path(path)
        try:
            with self._client.read(target) as reader:
                while chunk := reader.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {self._address}{target}") from error
        except (OSError, RuntimeError) as error:
            raise self._unavailable("read", target, error) from error

    def size_bytes(self, path: str) -> int | None:
        target = self._path(path)
        try:
            return int(self._client.get_file_info(target).length)
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError) as error:
            raise self._unavailable("look at", target, error) from error

    def names(self, path: str) -> list[str]:
        target = self._path(path)
        try:
            found = [each.path for each in self._client.list_status(target)]
        except FileNotFoundError:
            return []
        except (OSError, RuntimeError) as error:
            raise self._unavailable("list", target, error) from error
        return sorted(each.rpartition("/")[2] for each in found if each != target)

    def remove(self, path: str) -> None:
        target = self._path(path)
        try:
            self._client.delete(target, recursive=True)
        except FileNotFoundError:
            return
        except (OSError, RuntimeError) as error:
            raise self._unavailable("remove", target, error) from error

    def url(self, path: str) -> str:
        return f"{self._address}{self._path(path)}"

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}".rstrip("/") or "/"

    def _unavailable(self, verb: str, target: str, error: Exception) -> UnavailableError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return UnavailableError(f"cannot {verb} {self._address}{target}: {reason}")


def open_hdfs(text: str) -> Hdfs:
    """The folder of `hdfs://host:port/path`. Raises BadRequestError, UnavailableError."""
    parts = urlsplit(text)
    if not parts.hostname or not parts.port:
        raise BadRequestError(f"{text!r}: give hdfs://host:port/path")
    address = f"hdfs://{parts.hostname}:{parts.port}"
    try:
        # The client itself would try for minutes before it says so.
        socket.create_connection((parts.hostname, parts.port), _CONNECT_SECONDS).close()
    except OSError as error:
        raise UnavailableError(f"no NameNode answers at {address}: {error}") from error
    return Hdfs(Client(address), address, parts.path)
