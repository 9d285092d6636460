"""What the router's answers look like: targets, header fields, JSON bodies.

The target of a redirect is the request's own path and query, byte for byte; the host in front of
it is always a configured edge. Pure: requests come in as text, answers go out as plain data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from cdnkit import wire
from cdnkit.errors import BadRequestError, NotFoundError
from cdnkit.tokens import split_token_path
from geo_router.choose import Candidate, Chooser, Decision, Rung
from geo_router.client_address import Client
from geo_router.fleet import Fleet, Health
from geo_router.place import Place

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[\x21\x22\x24-\x2e\x30-\x3e\x40-\x7e]*")
_TARGET: Final = re.compile(r"/[\x21\x22\x24-\x7e]*")
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))
_Q: Final = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_JSON: Final = "application/json"


def reduce_target(raw: str) -> str:
    """Path and query of a request target as received (RFC 9112 3.2), absolute form reduced.

    Raises BadRequestError for a target that does not begin with a slash or holds bytes no target
    may hold: put behind an edge's URL, "@evil.example" would otherwise name another host.
    """
    absolute = _ABSOLUTE.match(raw)
    if absolute is not None:
        raw = raw[absolute.end() :]
        if not raw.startswith("/"):
            raw = "/" + raw
    if not _TARGET.fullmatch(raw):
        raise BadRequestError("the request target is neither a path nor a URL (RFC 9112 3.2)")
    return raw


def require_object_path(target: str) -> str:
    """The target again, if it may name an object. Raises NotFoundError for reserved names."""
    segment = target[1:].partition("/")[0].partition("?")[0]
    if segment in wire.RESERVED_FIRST_SEGMENTS:
        raise NotFoundError(f"the router has nothing at /{segment}")
    return target


def target_of_parameter(path: str) -> str:
    """A target from an already decoded query parameter. Raises BadRequestError."""
    if not path.startswith("/"):
        raise BadRequestError("path must begin with a slash, as in path=/films/a.mp4")
    return require_object_path(reduce_target(quote(path, safe=_VISIBLE)))


def object_key(target: str) -> str:
    """What placement hashes: neither token nor query, so that all viewers of a film agree."""
    return split_token_path(target.partition("?")[0])[1]


def location(url: str, rung: Rung, target: str) -> str:
    """Where a candidate serves a target. An origin knows keys, neither tokens nor queries."""
    return url + (object_key(target) if rung is Rung.ORIGIN else target)


def prefers_json(accept: str) -> bool:
    """Whether JSON is asked for by name and above everything else (RFC 9110 12.5.1).

    A tie is a redirect: `application/json, */*` is what some HTTP clients send with everything.
    """
    accept = accept.lower()
    if _JSON not in accept:
        return False
    json_quality = other_quality = 0.0
    for part in accept.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        quality = _quality(parameters)
        if media == _JSON:
            json_quality = max(json_quality, quality)
        elif media:
            other_quality = max(other_quality, quality)
    return json_quality > other_quality


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _Q.fullmatch(value) else 0.0
    return 1.0


def route_body(decision: Decision, target: str, client: Client) -> dict[str, Any]:
    """The ranked list of a decision that has at least one candidate."""
    return {
        "url": _url(decision.candidates[0], target),
        "edges": [_candidate_body(candidate, target) for candidate in decision.candidates],
        "place": place_body(decision.place, client),
    }


def explain_body(
    decision: Decision, target: str, client: Client, fleet: Fleet, database: str
) -> dict[str, Any]:
    """Everything that went into a decision."""
    best = _url(decision.candidates[0], target) if decision.candidates else None
    return {
        "url": best,
        "path": target,
        "key": decision.key,
        "rung": decision.rung.value,
        "place": place_body(decision.place, client),
        "database": database,
        "fleet_version": fleet.version,
        "fleet_polled": fleet.is_polled,
        "edges": [
            {**_candidate_body(candidate, target), "rung": candidate.rung.value}
            for candidate in decision.candidates
        ],
        "passed_over": [
            {"name": edge.edge, "site": edge.site, "reason": edge.reason}
            for edge in decision.passed_over
        ],
    }


def place_body(place: Place, client: Client) -> dict[str, Any]:
    """Where a client was taken to be, and on whose word."""
    latitude, longitude = place.coordinates or (None, None)
    return {
        "address": None if client.address is None else str(client.address),
        "said_by": client.said_by.value,
        "source": place.source.value,
        "matched": place.matched,
        "site": place.site,
        "country": place.country,
        "latitude": latitude,
        "longitude": longitude,
    }


def fleet_body(
    choosers: Mapping[int, Chooser], resorts: Fleet, now: float, **more: Any
) -> dict[str, Any]:
    """Every edge, and every last resort, with its state, why, since when, and what was seen last.

    An edge reached by IPv6 alone shows that; one reached by both has a second account of it.
    """
    main, second = choosers[4], choosers[6]
    names = dict.fromkeys(edge.name for each in (main, second) for edge in each.edges())
    return {
        "now": round(now, 3),
        "version": main.fleet.version + (second.fleet.version if second is not main else 0),
        "polled": main.fleet.is_polled and second.fleet.is_polled,
        **more,
        "edges": [edge_body(choosers, name) for name in names],
        "resorts": [{"name": name, **_health_body(health)} for name, health in resorts.items()],
    }


def edge_body(choosers: Mapping[int, Chooser], name: str) -> dict[str, Any]:
    """One edge of the fleet. Raises KeyError for one that is not in it."""
    main, second = choosers[4], choosers[6]
    chooser = main if name in main.fleet else second
    edge, told = chooser.edge(name), _health_body(chooser.fleet[name])
    about = {"name": name, "site": edge.site, "url": chooser.url(name)}
    body = {**about, "weight": edge.weight, **told}
    if second is not chooser and name in second.fleet:
        body["ipv6"] = _health_body(second.fleet[name])
    return body


def _health_body(health: Health) -> dict[str, Any]:
    return {
        "state": health.state.value,
        "reason": health.reason,
        "since": round(health.since, 3),
        "probed_at": None if health.probed_at is None else round(health.probed_at, 3),
        "latency_ms": _milliseconds(health.latency_seconds),
        "load": health.load,
        "failing": health.failing,
        "overloaded": health.overloaded,
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


def _url(candidate: Candidate, target: str) -> str:
    return location(candidate.url, candidate.rung, target)


def _candidate_body(candidate: Candidate, target: str) -> dict[str, Any]:
    return {
        "name": candidate.edge,
        "site": candidate.site,
        "url": _url(candidate, target),
        "distance_km": candidate.distance_km,
        "reasons": list(candidate.reasons),
    }
