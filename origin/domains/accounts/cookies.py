"""The cookie that keeps a browser's refresh token, and the pages that may use it.

It goes to `/v1/sessions` only, where one operation reads it. A page of another site must neither
go on with somebody's session nor sign a browser in as somebody else, so both ask here first.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from origin.domains.accounts.refusals import CrossSiteError

NAME: Final = "cinedge_session"
_PATH: Final = "/v1/sessions"
_OURS: Final = ("same-origin", "none")


def require_same_site(request: web.Request, site_url: str) -> None:
    """Raises CrossSiteError unless the browser says that the page is one of ours.

    Sec-Fetch-Site (W3C Fetch Metadata) decides where it is sent; Origin (RFC 6454 7) elsewhere.
    """
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched is not None:
        is_ours = fetched in _OURS
    else:
        parts = urlsplit(site_url)
        here = (f"{parts.scheme}://{parts.netloc}", f"{request.scheme}://{request.host}")
        is_ours = request.headers.get("Origin") in here
    if not is_ours:
        raise CrossSiteError("The cookie is for pages of this site.")


def read_cookie(request: web.Request) -> str:
    """The refresh token; empty without one."""
    return request.cookies.get(NAME, "")


def keep_cookie(answer: web.Response, token: str, seconds: float, site_url: str) -> None:
    """Let the browser keep a token where no script reads it."""
    answer.set_cookie(
        NAME,
        token,
        max_age=int(seconds),
        path=_PATH,
        httponly=True,
        samesite="Strict",
        secure=site_url.startswith("https:"),
    )


def drop_cookie(answer: web.Response) -> None:
    """Let the browser forget it."""
    answer.del_cookie(NAME, path=_PATH)
