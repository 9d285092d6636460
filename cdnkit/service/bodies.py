"""Reading small JSON bodies safely: bounded in size and time, UTF-8, one object.

Large bodies are streams and belong to their handlers.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, NoReturn

from aiohttp import web

from cdnkit.errors import BadRequestError, IncompleteBodyError, TooLargeError

JSON_BYTES_MAX: Final = 1 << 20
_READ_TIMEOUT_SECONDS: Final = 30.0


async def read_json(
    request: web.Request,
    limit_bytes: int = JSON_BYTES_MAX,
    *,
    timeout_seconds: float = _READ_TIMEOUT_SECONDS,
) -> dict[str, Any]:
    """The JSON object in the body (RFC 8259).

    Raises BadRequestError (not UTF-8, not JSON, not an object), TooLargeError (more than
    `limit_bytes`) and IncompleteBodyError (not there after `timeout_seconds`).
    """
    return parse_json(await read_body(request, limit_bytes, timeout_seconds=timeout_seconds))


async def read_body(
    request: web.Request, limit_bytes: int, *, timeout_seconds: float = _READ_TIMEOUT_SECONDS
) -> bytes:
    """The whole body, when it has at most `limit_bytes`. Raises as `read_json` does."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise BadRequestError("Send the body without Content-Encoding.")
    if (request.content_length or 0) > limit_bytes:
        _refuse_size(limit_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit_bytes:
                    _refuse_size(limit_bytes)
    except TimeoutError:
        raise IncompleteBodyError(
            f"The body was not complete after {timeout_seconds:g} s."
        ) from None
    return bytes(body)


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; NaN and Infinity are refused. Raises BadRequestError."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise BadRequestError(f"The body is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        raise BadRequestError(
            f"The body is not JSON: {error.msg}, line {error.lineno} column {error.colno}."
        ) from None
    except (RecursionError, ValueError):
        # A nesting or a number beyond what the parser takes; its own text would not help.
        raise BadRequestError("The body is JSON nested too deeply or with a bad number.") from None
    if not isinstance(value, dict):
        raise BadRequestError("The body is JSON, but not an object.")
    return value


def _refuse_size(limit_bytes: int) -> NoReturn:
    raise TooLargeError(f"The body exceeds {limit_bytes} bytes.", limit_bytes=limit_bytes)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
