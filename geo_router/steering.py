"""Content steering manifests for HLS and DASH (RFC 8216bis 7, ETSI TS 103 998): which pathway next.

A pathway is an edge. Those that the playlist lists (`pathways` in the query of the steering URI)
are named as they are; edges beyond it are offered as clones of the first listed one with another
host. Sessions are stateless: their start is part of the URL by which the player comes back, so that
any router can go on where another one stopped. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from cdnkit.errors import BadRequestError, CinedgeError, Fault
from cdnkit.wire import ROUTED_PATHWAY
from geo_router.choose import Candidate

SESSION_PARAMETER: Final = "session"
PATHWAYS_PARAMETER: Final = "pathways"
DEFAULT_PATHWAY: Final = "."
CHANGE_MEMORY_SECONDS: Final = 600.0
"""How long after a change the fleet counts as settled."""

_PATHWAY: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SESSION: Final = re.compile(r"([0-9]{1,12})-([A-Za-z0-9]{1,32})")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_LISTED_MAX: Final = 32
_CLOCK_SKEW_SECONDS: Final = 300.0


class SessionEndedError(CinedgeError):
    """The player is to stop asking (RFC 8216bis 7.3)."""

    status = 410
    code = "steering-session-ended"
    fault = Fault.CLIENT


class TooManyRequestsError(CinedgeError):
    """The player is to wait (RFC 6585 4)."""

    status = 429
    code = "too-many-requests"
    fault = Fault.CLIENT
    retryable = True

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a player's steering request says."""

    session: str
    """Empty at the first request."""
    listed: tuple[str, ...]
    """Pathways of its playlist."""
    throughputs: tuple[tuple[str, int], ...]
    """Pathways it used, with the bits per second it saw."""


def read_request(kind: str, query: Mapping[str, Sequence[str]]) -> Asked:
    """The parameters of a request; `kind` is "hls" or "dash". Raises BadRequestError."""
    prefix = f"_{kind.upper()}_"
    pathways = _quoted_list(prefix + "pathway", _only(query, prefix + "pathway"))
    throughputs = _numbers(prefix + "throughput", _only(query, prefix + "throughput"))
    if kind == "hls" and max(len(pathways), len(throughputs)) > 1:
        raise BadRequestError("HLS players name one pathway and one throughput")
    if throughputs and pathways and len(throughputs) != len(pathways):
        raise BadRequestError(f"{prefix}throughput must have a number for each pathway")
    session = _only(query, SESSION_PARAMETER)
    if session and not _SESSION.fullmatch(session):
        raise BadRequestError("session is none of ours")
    listed = _list(PATHWAYS_PARAMETER, _only(query, PATHWAYS_PARAMETER))
    measured = zip(pathways, throughputs, strict=True) if throughputs and pathways else ()
    return Asked(session, listed, tuple(measured))


def open_session(now: float, nonce: str) -> str:
    """The name of a new session."""
    return f"{int(now)}-{nonce}"


def require_open(session: str, now: float, length_seconds: float) -> None:
    """Raises SessionEndedError for a session that is over, BadRequestError for one to come."""
    match = _SESSION.fullmatch(session)
    if match is None:
        raise BadRequestError("session is none of ours")
    age_seconds = now - int(match[1])
    if age_seconds < -_CLOCK_SKEW_SECONDS:
        raise BadRequestError("session has not begun yet")
    if age_seconds >= length_seconds:
        raise SessionEndedError("This playback is no longer steered; go on as you are.")


def ttl_seconds(unchanged_seconds: float, shortest: float, longest: float) -> int:
    """When to ask again: soon after a change, seldom when all has been quiet for long."""
    calm = min(1.0, max(0.0, unchanged_seconds) / CHANGE_MEMORY_SECONDS)
    return max(1, round(shortest + (max(longest, shortest) - shortest) * calm))


def are_clones(urls: Iterable[str]) -> bool:
    """Whether a URL of one edge becomes that of another by its host name alone.

    A clone replaces nothing but the host name (RFC 8216bis 7.2), and players take it literally: a
    port in its place is ignored by one and fatal to another.
    """
    parts = [urlsplit(url) for url in urls]
    return len({(each.scheme, each.port, each.path.strip("/")) for each in parts}) <= 1


def manifest(
    asked: Asked,
    ranked: Sequence[Candidate],
    way_back: str,
    session: str,
    ttl: int,
    *,
    clones_work: bool = True,
) -> dict[str, Any]:
    """The body of an answer. `way_back` is the URL of the request without its query;
    `clones_work` is what `are_clones` says of all edges."""
    urls = {candidate.edge: candidate.url for candidate in ranked}
    listed = asked.listed or (DEFAULT_PATHWAY,)
    base = listed[0]
    clones = [
        {"BASE-ID": base, "ID": edge, "URI-REPLACEMENT": {"HOST": urlsplit(url).hostname}}
        for edge, url in urls.items()
        if clones_work and edge not in listed
    ]
    cloned = {clone["ID"] for clone in clones}
    priority = [edge for edge in urls if edge in listed or edge in cloned]
    # Some players make no clones of service locations: the router sends them, piece by piece.
    priority += [each for each in listed if each == ROUTED_PATHWAY]
    # A pathway that nobody vouches for stays as the last way out: an empty list is an error.
    if not priority:
        priority = [base]
    query = {SESSION_PARAMETER: session}
    if asked.listed:
        query[PATHWAYS_PARAMETER] = ",".join(asked.listed)
    where = quote(way_back, safe="/~=+@,:!$&()*;%.-_")
    body: dict[str, Any] = {
        "VERSION": 1,
        "TTL": ttl,
        "RELOAD-URI": f"{where}?{urlencode(query, safe=',')}",
        "PATHWAY-PRIORITY": priority,
    }
    if clones:
        body["PATHWAY-CLONES"] = clones
    return body


def _only(query: Mapping[str, Sequence[str]], name: str) -> str:
    values = query.get(name, ())
    if len(values) > 1:
        raise BadRequestError(f"{name} is given twice")
    return values[0] if values else ""


def _quoted_list(name: str, text: str) -> tuple[str, ...]:
    """Names in double quotes, as the RFC has it; players that leave the quotes out are many."""
    if text.startswith('"') != text.endswith('"') or text == '"':
        raise BadRequestError(f"{name} has a quote without its match")
    return _list(name, text.strip('"'))


def _list(name: str, text: str) -> tuple[str, ...]:
    names = tuple(text.split(",")) if text else ()
    if len(names) > _LISTED_MAX or not all(_PATHWAY.fullmatch(each) for each in names):
        raise BadRequestError(f"{name} must be pathway ids joined by commas")
    return names


def _numbers(name: str, text: str) -> tuple[int, ...]:
    words = text.split(",") if text else []
    if len(words) > _LISTED_MAX or not all(_NUMBER.fullmatch(word) for word in words):
        raise BadRequestError(f"{name} must be whole bits per second, joined by commas")
    return tuple(map(int, words))
