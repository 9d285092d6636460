"""An HTTP origin in threads of the test, for edges that are real processes: one film, in versions.

Every byte of a version is its number, so that one look at a body tells which versions are in it.
The film is never in memory; whoever asks for a range under `If-Match` of another version gets 412.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PIECE_BYTES = 1024 * 1024
_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]*)")


class VersionedOrigin:
    """`version` may be set at any moment; `asked` counts requests."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.version = 1
        self.asked = 0
        self.url = ""

    def start_stop(self, field: str | None) -> tuple[int, int]:
        """The bytes a Range asks for; all of them without one."""
        match = _RANGE.fullmatch(field or "")
        if match is None:
            return 0, self.size_bytes
        last = int(match[2]) + 1 if match[2] else self.size_bytes
        return int(match[1]), min(last, self.size_bytes)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Edges that are killed leave in mid answer; that is the test's own doing."""


@contextmanager
def versioned_origin(size_bytes: int) -> Iterator[VersionedOrigin]:
    """Serves inside the block."""
    made = VersionedOrigin(size_bytes)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            made.asked += 1
            version = made.version
            etag = f'"v{version}"'
            start, stop = made.start_stop(self.headers.get("Range"))
            wanted = self.headers.get("If-Match")
            if wanted is not None and wanted != etag:
                self._head(412, 0, etag)
                return
            if self.headers.get("If-None-Match") == etag:
                self._head(304, 0, etag)
                return
            is_part = "Range" in self.headers
            self._head(206 if is_part else 200, stop - start, etag, (start, stop))
            piece = bytes([version]) * _PIECE_BYTES
            while start < stop:
                size = min(stop - start, _PIECE_BYTES)
                self.wfile.write(piece[:size])
                start += size

        def _head(
            self, status: int, length: int, etag: str, part: tuple[int, int] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("ETag", etag)
            self.send_header("Cache-Control", "max-age=86400")
            if status != 304:
                self.send_header("Content-Length", str(length))
            if status == 206 and part is not None:
                text = f"bytes {part[0]}-{part[1] - 1}/{made.size_bytes}"
                self.send_header("Content-Range", text)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Nothing: the test says what matters."""

    server = _Server(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
