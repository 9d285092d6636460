"""What surrounds every handler: request id, account (log and metrics), errors as answers.

The innermost one also sends the answer, so that a failure while sending is seen here, duration
and bytes are those of the whole answer, and an answer cut short never passes for a complete one
(RFC 9112 8).
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE

from cdnkit.errors import (
    BadRequestError,
    CinedgeError,
    Fault,
    MisaddressedError,
)
from cdnkit.service.authority import is_valid_authority, is_valid_target
from cdnkit.service.exchange import EXCHANGE, Exchange
from cdnkit.service.health import Health
from cdnkit.service.logs import AccessLog
from cdnkit.service.metrics import Telemetry
from cdnkit.service.problems import plain_problem, problem_response, refusal_code, refusal_response
from cdnkit.wire import CDN_NAME, LIVE_PATH, READY_PATH, REQUEST_ID_HEADER

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Authorize = Callable[[web.Request], None]

CLIENT_GONE_STATUS: Final = 499
"""Status in log and metrics when the client left before an answer began; never sent."""

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_RESET: Final = struct.pack("ii", 1, 0)
_OPEN_PATHS: Final = frozenset({LIVE_PATH, READY_PATH})

_log = structlog.get_logger()


def new_request_id() -> str:
    """Sixteen hexadecimal digits, not guessable."""
    return secrets.token_hex(8)


def choose_request_id(offered: str | None, make: Callable[[], str]) -> str:
    """The id that came with the request when it is sane, else a new one."""
    return offered if offered and _SANE_ID.fullmatch(offered) else make()


def identify_requests(make_id: Callable[[], str]) -> Any:
    """Middleware: give the request its `Exchange` with an id."""

    @web.middleware
    async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
        offered = request.headers.get(REQUEST_ID_HEADER)
        request[EXCHANGE] = Exchange(choose_request_id(offered, make_id))
        return await handler(request)

    return identify


def account_requests(
    tier: str,
    node: str,
    telemetry: Telemetry,
    health: Health,
    log: AccessLog,
    clock: Callable[[], float],
) -> Any:
    """Middleware: count and log every request, however it ends. `clock` is monotonic."""

    @web.middleware
    async def account(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = clock()
        telemetry.in_flight.inc()
        try:
            return await handler(request)
        finally:
            telemetry.in_flight.dec()
            duration_seconds = clock() - started
            exchange = request[EXCHANGE]
            status = exchange.status or _status_so_far(exchange, health)
            telemetry.observe_request(
                request.method, route_of(request), status, duration_seconds, exchange.body_bytes
            )
            if log.enabled or "audit" in exchange.facts:
                record = {
                    "time": log.now(),
                    "tier": tier,
                    "node": node,
                    **describe(request, exchange, status, duration_seconds),
                }
                _keep(log, record)

    return account


def answer_errors(telemetry: Telemetry, authorize: Authorize | None) -> Any:
    """Middleware: call the handler, send its answer, and make answers of errors."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        exchange = request[EXCHANGE]
        try:
            _check_addressing(request)
            if authorize is not None and request.path not in _OPEN_PATHS:
                authorize(request)
            response = await handler(request)
            await _send(request, exchange, response)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            response = _answer_to(error, request, exchange, telemetry)
            await _send(request, exchange, response)
        return response

    return answer


def stamp_answers(health: Health) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Signal for `on_response_prepare`: fields that every answer carries."""

    async def stamp(request: web.Request, response: web.StreamResponse) -> None:
        exchange = request.get(EXCHANGE)
        headers = response.headers
        if headers.get("Server") == SERVER_SOFTWARE:
            headers["Server"] = CDN_NAME
        if health.is_draining:
            response.force_close()
            headers["Connection"] = "close"
        if exchange is not None:
            exchange.response = response
            request.writer.on_body_write = exchange.count_body
            headers[REQUEST_ID_HEADER] = exchange.request_id

    return stamp


def route_of(request: web.Request) -> str:
    """The template that answered, for labels: `/v1/content/{key}`, or `unmatched`."""
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical


def describe(
    request: web.BaseRequest,
    exchange: Exchange,
    status: int,
    duration_seconds: float,
) -> dict[str, Any]:
    """The facts of one request under their stable names."""
    headers = request.headers
    return {
        "request_id": exchange.request_id,
        "client": request.remote,
        "method": request.method,
        "path": request.raw_path,
        "status": status,
        "bytes": exchange.body_bytes,
        "duration_ms": round(duration_seconds * 1000, 3),
        "range": headers.get("Range"),
        "user_agent": headers.get("User-Agent"),
        **exchange.facts,
    }


async def _send(request: web.Request, exchange: Exchange, response: web.StreamResponse) -> None:
    await response.prepare(request)
    await response.write_eof()
    exchange.status = response.status
    announced = response.content_length
    if announced is None or announced == exchange.body_bytes or not _has_body(request, response):
        return
    raise RuntimeError(f"{announced} bytes were announced, {exchange.body_bytes} sent")


def _answer_to(
    error: Exception, request: web.Request, exchange: Exchange, telemetry: Telemetry
) -> web.Response:
    """The answer that tells the error. Raises ConnectionResetError when it is too late for one."""
    if isinstance(error, ConnectionError) and _client_is_gone(request):
        exchange.facts.setdefault("error", "client-gone")
        raise error
    response = _problem_for(error, exchange, telemetry)
    if exchange.response is not None and _has_begun(request):
        exchange.status = exchange.response.status
        exchange.facts["cut"] = True
        telemetry.count_closed("cut-answer")
        break_connection(request, exchange.response)
        raise ConnectionResetError("the answer failed after its head was sent") from error
    return response


def _problem_for(error: Exception, exchange: Exchange, telemetry: Telemetry) -> web.Response:
    request_id = exchange.request_id
    is_last = isinstance(error, web.RequestPayloadError | MisaddressedError)
    if isinstance(error, web.RequestPayloadError):
        error = BadRequestError("The body is not framed as announced.")
    if isinstance(error, CinedgeError):
        code = error.code
        response = problem_response(error, request_id)
        if is_last:
            response.force_close()
        if error.fault is not Fault.CLIENT:
            _log.warning("request failed", code=code, detail=error.detail, request_id=request_id)
    elif isinstance(error, web.HTTPException):
        response = refusal_response(error, request_id)
        if error.status < 400:
            return response
        code = refusal_code(error)
    else:
        code = CinedgeError.code
        response = plain_problem(500, code, "Something of ours failed; it was logged.", request_id)
        _log.error("unhandled error", request_id=request_id, exc_info=error)
    telemetry.count_error(code)
    exchange.facts["error"] = code
    return response


def break_connection(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Cut the connection so that no client can take what it has for the whole."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    framed = "Content-Length" in response.headers or "Transfer-Encoding" in response.headers
    if sock is not None and not framed:
        # Such a body is complete when the connection ends (RFC 9112 6.3): reset it instead.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _check_addressing(request: web.Request) -> None:
    host = request.headers.get("Host")
    if host and not is_valid_authority(host):
        raise MisaddressedError("The Host field is not a host name or address.")
    if not is_valid_target(request.raw_path):
        raise MisaddressedError("The request target is neither a path nor an http URL.")


def _has_body(request: web.BaseRequest, response: web.StreamResponse) -> bool:
    return request.method != "HEAD" and response.status >= 200 and response.status not in (204, 304)


def _has_begun(request: web.BaseRequest) -> bool:
    writer = request.writer
    # A head that could not be written (a bad field) leaves room for another answer, unless the
    # writer was already switched to chunks, from which there is no way back.
    return writer.output_size > 0 or getattr(writer, "chunked", True)


def _client_is_gone(request: web.BaseRequest) -> bool:
    transport = request.transport
    return transport is None or transport.is_closing()


def _status_so_far(exchange: Exchange, health: Health) -> int:
    # While we stop, a connection that we close looks like one that the client left.
    reason = "stopped" if health.is_draining else "client-gone"
    exchange.facts.setdefault("error", reason)
    return CLIENT_GONE_STATUS if exchange.response is None else exchange.response.status


def _keep(log: AccessLog, record: dict[str, Any]) -> None:
    if log.enabled:
        log.append(record)
    else:
        # What was done with a token is always written somewhere.
        _log.info("audit", **{name: value for name, value in record.items() if name != "time"})
