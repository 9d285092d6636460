"""Errors of uploads as answers in the words of the protocol that was spoken.

The middleware's answers know neither the fields that tus wants on every message nor its status
460; what is no error of our family still goes there.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from cdnkit.errors import CinedgeError, TooLargeError
from cdnkit.service.app import TELEMETRY
from cdnkit.service.exchange import note, request_id_of
from cdnkit.service.problems import plain_problem, problem_response
from origin.requests import fields_of
from origin.resumable import tus
from origin.resumable.draft import Dialect, dialect_of, format_limits
from origin.resumable.errors import CHECKSUM_STATUS, ChecksumError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def speaking(handler: Handler, object_bytes_max: int) -> Handler:
    """The handler, with its errors answered in the client's protocol."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except CinedgeError as error:
            response = refusal(request, error)
            if isinstance(error, TooLargeError):
                response.headers["Upload-Limit"] = format_limits(object_bytes_max)
        if not response.prepared and _is_tus(request):
            response.headers.setdefault("Tus-Resumable", tus.VERSION)
        return response

    return answer


def refusal(
    request: web.Request, error: CinedgeError, fields: Mapping[str, str] | None = None
) -> web.Response:
    """The answer that tells an error; the connection ends when its body was not read."""
    request.app[TELEMETRY].count_error(error.code)
    note(request, error=error.code)
    request_id = request_id_of(request)
    if isinstance(error, ChecksumError) and _is_tus(request):
        response = plain_problem(CHECKSUM_STATUS, error.code, error.detail, request_id)
    else:
        response = problem_response(error, request_id)
    response.headers.update(fields or {})
    if not request.content.is_eof():
        response.force_close()
    return response


def _is_tus(request: web.Request) -> bool:
    return dialect_of(fields_of(request)) is Dialect.TUS
