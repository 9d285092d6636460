"""What every handler of the origin takes from a request, and what it owes to `Expect`.

A refused upload must not cost its body: the go-ahead is sent by the handler after its checks, not
by the framework before them, and a refusal closes the connection because nobody can tell where the
unsent body would have ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import HttpVersion11, web

from cdnkit.errors import TooLargeError
from cdnkit.service.bodies import read_body
from cdnkit.validators import Validators, Verdict, evaluate

Authorize = Callable[[web.Request, str], object]
"""Raises UnauthorizedError or ForbiddenError unless the request may do what the scope names."""

CONDITIONS: Final = {
    "If-Match": "Only when the current entity tag is one of these.",
    "If-Unmodified-Since": "Only when it is not younger than this.",
    "If-None-Match": "Only when the current entity tag is none of these; `*`: when there is none.",
}
"""Request fields for the description of handlers that take conditions."""


def fields_of(request: web.Request) -> dict[str, str]:
    """Header fields by lower-case name, the lines of one field joined (RFC 9110 5.2)."""
    fields: dict[str, str] = {}
    for name, value in request.headers.items():
        lowered = name.lower()
        fields[lowered] = f"{fields[lowered]}, {value}" if lowered in fields else value
    return fields


async def leave_expect(request: web.Request) -> None:
    """An aiohttp expect handler that leaves the answer to `send_continue`."""


async def send_continue(request: web.Request) -> None:
    """Say `100 Continue` when the client waits for it (RFC 9110 10.1.1)."""
    if _expects_continue(request):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def read_small(request: web.Request, limit_bytes: int) -> bytes:
    """The body, when it has at most `limit_bytes`; a longer one is refused before it is sent.

    Raises TooLargeError, BadRequestError, IncompleteBodyError.
    """
    if (request.content_length or 0) > limit_bytes:
        raise TooLargeError(f"at most {limit_bytes} bytes are taken", limit_bytes=limit_bytes)
    await send_continue(request)
    return await read_body(request, limit_bytes)


async def close_after_refusal(request: web.Request, response: web.StreamResponse) -> None:
    """Signal for `on_response_prepare`: end the connection when an awaited body was not wanted."""
    if _expects_continue(request) and not request.content.is_eof():
        response.force_close()
        response.headers["Connection"] = "close"


def is_not_modified(request: web.Request, current: Validators) -> bool:
    """Whether a GET or HEAD is answered by 304."""
    return evaluate(request.method, fields_of(request), current) is Verdict.NOT_MODIFIED


def _expects_continue(request: web.Request) -> bool:
    expected = request.headers.get("Expect", "").lower() == "100-continue"
    return expected and request.version >= HttpVersion11
