"""Errors as answers: problem+json (RFC 9457) for our family and for aiohttp's own refusals.

Decides bodies and fields; when an error becomes an answer is the middleware's business.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from cdnkit.errors import CinedgeError, problem
from cdnkit.wire import PROBLEM_CONTENT_TYPE

_KEPT_FIELDS: Final = ("Allow", "Location", "Retry-After", "WWW-Authenticate")


def instance_of(request_id: str) -> str:
    """The URN that names one failed request (RFC 9457 3.1.5)."""
    return f"urn:request:{request_id}"


def problem_response(error: CinedgeError, request_id: str) -> web.Response:
    """The answer to a request that failed with an error of our family."""
    body = problem(error, instance_of(request_id))
    return _response(error.status, body, error.headers())


def refusal_response(error: web.HTTPException, request_id: str) -> web.Response:
    """The answer for an exception of aiohttp: redirects as they are, refusals as problems."""
    if error.status < 400:
        return web.Response(
            status=error.status, headers=_kept(error), text=error.text, content_type="text/plain"
        )
    phrase = _phrase(error.status)
    body = {
        "type": f"urn:cinedge:problem:{refusal_code(error)}",
        "title": phrase,
        "status": error.status,
        "detail": _detail(error, phrase),
        "instance": instance_of(request_id),
    }
    return _response(error.status, body, _kept(error))


def refusal_code(error: web.HTTPException) -> str:
    """The problem code of an exception of aiohttp: `not-found`, `method-not-allowed`, ..."""
    return _phrase(error.status).lower().replace(" ", "-").replace("'", "")


def plain_problem(status: int, code: str, detail: str, request_id: str) -> web.Response:
    """A problem that no exception stands for: what the parser refused, what we broke."""
    body = {
        "type": f"urn:cinedge:problem:{code}",
        "title": _phrase(status),
        "status": status,
        "detail": detail,
        "instance": instance_of(request_id),
    }
    return _response(status, body, {})


def _response(status: int, body: Mapping[str, Any], fields: Mapping[str, str]) -> web.Response:
    encoded = json.dumps(body, default=str).encode()
    headers = {**fields, "Content-Type": PROBLEM_CONTENT_TYPE, "Cache-Control": "no-store"}
    return web.Response(status=status, body=encoded, headers=headers)


def _kept(error: web.HTTPException) -> dict[str, str]:
    return {name: error.headers[name] for name in _KEPT_FIELDS if name in error.headers}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _detail(error: web.HTTPException, phrase: str) -> str:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return f"{error.method} is not possible here; allowed: {allowed}."
    if isinstance(error, web.HTTPNotFound):
        return "Nothing answers at this path."
    text = (error.text or "").removeprefix(f"{error.status}: ")
    return text or phrase
