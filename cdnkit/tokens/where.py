"""Where in a request's target a token stands: in its first segment, or in its query.

Cookies and fields are read by whoever has the head.
"""

from __future__ import annotations

from typing import Final

QUERY_NAMES: Final = ("token", "URISigningPackage", "CAT")
"""Arguments that carry a token: ours, that of RFC 9246 (3), and the one players use for CAT."""

_MARK: Final = "/~"


def split_token_path(path: str) -> tuple[str | None, str]:
    """Take the token out of "/~TOKEN/films/a.mp4": ("TOKEN", "/films/a.mp4")."""
    if not path.startswith(_MARK):
        return None, path
    token, slash, rest = path[len(_MARK) :].partition("/")
    return token, slash + rest if slash else "/"


def token_of_query(query: str) -> str | None:
    """The first token among the arguments of a query; None for none, or an empty one."""
    for argument in query.split("&"):
        name, _, value = argument.partition("=")
        if value and name in QUERY_NAMES:
            return value
    return None
