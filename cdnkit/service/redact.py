"""Taking secrets out of text before it is written anywhere: tokens in paths, queries and fields.

Pure. The names below are those that carry credentials in our own URLs and in common ones.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_plus

REDACTED: Final = "[redacted]"

SECRET_NAMES: Final = frozenset(
    {
        "token", "access_token", "sig", "signature", "secret", "password", "apikey",
        "api_key", "authorization", "cookie", "set-cookie", "cinedge_token", "x-amz-signature",
        "x-amz-security-token", "x-amz-credential", "urisigningpackage", "cat",
    }
)  # fmt: skip
_TOKEN_SEGMENT: Final = re.compile(r"(?:(?<=/)|\A)(?:~|%7[Ee])[^/?#\s\"']+")
_IN_TEXT: Final = re.compile(
    r"(?i)(bearer\s+)[^\s\"',;]+|\b(token|secret|password|sig|URISigningPackage|CAT)=[^\s&\"',;]+"
)


def redact_path(target: str) -> str:
    """A request target without token segments (`/~TOKEN/`) and without secret query values."""
    path, mark, query = target.partition("?")
    if "~" in path or "%7" in path:
        path = _TOKEN_SEGMENT.sub("~" + REDACTED, path)
    if not mark:
        return path
    return f"{path}?{'&'.join(_redact_pair(pair) for pair in query.split('&'))}"


def redact_text(text: str) -> str:
    """A message or traceback without bearer tokens, token segments and `token=` values."""
    text = _TOKEN_SEGMENT.sub("~" + REDACTED, text)
    return _IN_TEXT.sub(lambda found: (found[1] or f"{found[2]}=") + REDACTED, text)


def is_secret_name(name: str) -> bool:
    """True for names whose values are never written."""
    return name.lower() in SECRET_NAMES


def _redact_pair(pair: str) -> str:
    name, mark, _ = pair.partition("=")
    return f"{name}={REDACTED}" if mark and is_secret_name(unquote_plus(name)) else pair
