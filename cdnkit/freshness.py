"""May a response be stored, for how long is it fresh, and what may be done with it now.

RFC 9111 for a shared cache, with RFC 5861 (stale answers) and RFC 9213 (targeted fields). The
moment of asking comes in as an argument. Left to others: keys, ranges and the completeness of
bodies, conditional requests, and doing what is decided here.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cdnkit.cache_control import (
    NOTHING_SAID,
    SECONDS_MAX,
    CacheControl,
    Directives,
    governing,
    parse_cache_control,
    parse_seconds,
)
from cdnkit.dates import parse_http_date
from cdnkit.fields import FieldLines, split_list

HEURISTIC_STATUSES: Final = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})
"""Statuses that may be stored without being told (RFC 9110 15.1)."""

UNDERSTOOD_STATUSES: Final = HEURISTIC_STATUSES | frozenset(
    {201, 202, 205, 302, 303, 305, 307}
    | {400, 401, 402, 403, 406, 407, 408, 409, 411, 412, 413, 415, 416, 417, 421, 422, 426}
    | {500, 502, 503, 504, 505}
)
"""Statuses whose caching rules we follow; what must-understand asks for (RFC 9111 5.2.2.3)."""

_SORTED_VARIANTS: Final = frozenset({b"accept-encoding", b"accept-language"})


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """What RFC 9111 leaves to the cache. Take `CDN` or `RFC`, or build another."""

    store_set_cookie: bool
    honour_request_directives: bool
    stale_when_origin_fails: bool
    heuristic: bool
    unknown_transfer_codings: bool
    stale_limit_seconds: int = 86_400
    heuristic_fraction: float = 0.1
    heuristic_limit_seconds: int = 86_400
    targeted: tuple[bytes, ...] = (b"cdn-cache-control",)


CDN: Final = CachePolicy(
    store_set_cookie=False,
    honour_request_directives=False,
    stale_when_origin_fails=True,
    heuristic=True,
    unknown_transfer_codings=False,
)
"""For a public edge: clients cannot force misses, cookies are not shared."""

RFC: Final = CachePolicy(
    store_set_cookie=True,
    honour_request_directives=True,
    stale_when_origin_fails=True,
    heuristic=True,
    unknown_transfer_codings=True,
)
"""To the letter of RFC 9111, as conformance suites expect it."""


class Storability(enum.Enum):
    """STORE, or the first reason against it."""

    STORE = "store"
    METHOD = "method"
    STATUS = "status"
    NOT_UNDERSTOOD = "not-understood"
    NO_STORE = "no-store"
    REQUEST_NO_STORE = "request-no-store"
    PRIVATE = "private"
    AUTHORIZATION = "authorization"
    VARY_STAR = "vary-star"
    SET_COOKIE = "set-cookie"
    NOT_CACHEABLE = "not-cacheable"
    NEVER_REUSABLE = "never-reusable"


class LifetimeSource(enum.Enum):
    """Where a freshness lifetime comes from (RFC 9111 4.2.1)."""

    S_MAXAGE = "s-maxage"
    MAX_AGE = "max-age"
    EXPIRES = "expires"
    HEURISTIC = "heuristic"
    NONE = "none"


class State(enum.Enum):
    """What may be done with a stored response."""

    FRESH = "fresh"
    STALE_WHILE_REVALIDATE = "stale-while-revalidate"
    STALE_ACCEPTED = "stale-accepted"
    STALE = "stale"
    MUST_REVALIDATE = "must-revalidate"


@dataclass(frozen=True, slots=True)
class Freshness:
    """All that the reuse of a stored response depends on; made once, when it is stored.

    `born_at` is the moment at which its age was 0.
    """

    born_at: float
    lifetime_seconds: int
    source: LifetimeSource
    stale_while_revalidate_seconds: int
    stale_if_error_seconds: int
    validate_always: bool
    never_stale: bool

    @property
    def fresh_until(self) -> float:
        """End of [born_at, fresh_until), in which it may be used without asking anyone."""
        return -math.inf if self.validate_always else self.born_at + self.lifetime_seconds

    def age_seconds(self, now: float) -> int:
        """Current age, as an Age field says it (RFC 9111 4.2.3, 5.1)."""
        return min(max(int(now - self.born_at), 0), SECONDS_MAX)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state of a stored response at a moment.

    `ttl_seconds` is what is left of its lifetime, negative when stale. `holds_until` is when the
    state ends by itself. `usable_on_error`: may it be served if the origin fails just now?
    """

    state: State
    ttl_seconds: int
    holds_until: float
    usable_on_error: bool


def storability(
    method: str,
    status: int,
    request: FieldLines,
    response: FieldLines,
    policy: CachePolicy,
) -> Storability:
    """May a shared cache store this response (RFC 9111 3)?

    That to a POST only with explicit freshness; the caller looks at its Content-Location, too.
    """
    directives = governing(response, policy.targeted)
    said = directives.said
    if method != "GET" and not (method == "POST" and _is_explicit(response, directives)):
        return Storability.METHOD
    if not 200 <= status <= 599 or status == 304:
        return Storability.STATUS
    if said.must_understand and status not in UNDERSTOOD_STATUSES:
        return Storability.NOT_UNDERSTOOD
    if said.no_store and not said.must_understand:
        return Storability.NO_STORE
    if policy.honour_request_directives and request_directives(request).no_store:
        return Storability.REQUEST_NO_STORE
    if said.private:
        return Storability.PRIVATE
    if b"authorization" in request and not _shared_despite_authorization(said):
        return Storability.AUTHORIZATION
    if vary_names(response) is None:
        return Storability.VARY_STAR
    if not policy.store_set_cookie and _sets_cookie(response, said):
        return Storability.SET_COOKIE
    if not _is_cacheable(status, said, b"expires" in response and not directives.targeted):
        return Storability.NOT_CACHEABLE
    if not _is_reusable(status, response, directives, policy):
        return Storability.NEVER_REUSABLE
    return Storability.STORE


def withheld_fields(response: FieldLines, policy: CachePolicy) -> frozenset[bytes]:
    """Names that no-cache="..." or private="..." keep out of the store (RFC 9111 5.2.2.4)."""
    return governing(response, policy.targeted).said.withheld


def assess(
    status: int,
    response: FieldLines,
    requested_at: float,
    received_at: float,
    policy: CachePolicy,
) -> Freshness:
    """Lifetime and age of a response, from its fields and when it came (RFC 9111 4.2)."""
    directives = governing(response, policy.targeted)
    said = directives.said
    date = _date(response)
    lifetime, source = _lifetime(status, response, directives, received_at, policy)
    never_stale = (
        said.must_revalidate or said.proxy_revalidate or said.no_cache or said.s_maxage is not None
    )
    # A stale failure hides a recovery, and no failure is worth hiding behind another.
    no_stale = never_stale or status >= 500
    apparent_age = 0 if date is None else max(0, int(received_at) - date)
    corrected_age = _age_value(response) + max(0.0, received_at - requested_at)
    return Freshness(
        born_at=received_at - max(apparent_age, corrected_age),
        lifetime_seconds=lifetime,
        source=source,
        stale_while_revalidate_seconds=0 if no_stale else said.stale_while_revalidate or 0,
        stale_if_error_seconds=0 if no_stale else _error_allowance(said, policy),
        validate_always=said.no_cache,
        never_stale=never_stale,
    )


def judge(freshness: Freshness, now: float, wishes: CacheControl = NOTHING_SAID) -> Judgement:
    """What may be done with a stored response at `now`.

    `wishes` are the directives of the request, where the policy honours them (RFC 9111 5.2.1);
    its only-if-cached is the caller's to obey.
    """
    expiry = freshness.born_at + freshness.lifetime_seconds
    ttl = math.floor(expiry - now)
    on_error = not freshness.never_stale and now < expiry + freshness.stale_if_error_seconds
    if freshness.validate_always or wishes.no_cache:
        return Judgement(State.MUST_REVALIDATE, ttl, math.inf, False)
    if wishes is not NOTHING_SAID and _is_unwelcome(freshness, now, wishes):
        return Judgement(State.STALE, ttl, math.inf, now < expiry or on_error)
    if now < expiry:
        return Judgement(State.FRESH, ttl, expiry, True)
    if freshness.never_stale:
        return Judgement(State.MUST_REVALIDATE, ttl, math.inf, False)
    window_stop = expiry + freshness.stale_while_revalidate_seconds
    if now < window_stop:
        return Judgement(State.STALE_WHILE_REVALIDATE, ttl, window_stop, True)
    if wishes.max_stale is not None and now - expiry <= wishes.max_stale:
        return Judgement(State.STALE_ACCEPTED, ttl, expiry + wishes.max_stale, True)
    return Judgement(State.STALE, ttl, math.inf, on_error)


def request_directives(request: FieldLines) -> CacheControl:
    """The Cache-Control of a request; give it to `judge` if the policy honours it."""
    return parse_cache_control(request.lines(b"cache-control"))


def vary_names(response: FieldLines) -> tuple[bytes, ...] | None:
    """Request fields that select among variants, sorted; None for a star: never reuse.

    A star anywhere in the list counts (RFC 9111 4.1).
    """
    value = response.text(b"vary")
    if value is None:
        return ()
    names = {name.lower().encode("latin-1") for name in split_list(value)}
    return None if b"*" in names else tuple(sorted(names))


def variant_key(names: Iterable[bytes], request: FieldLines) -> bytes:
    """Equal for requests that select the same variant (RFC 9111 4.1); empty without Vary.

    Lines are combined and white space round commas goes; languages and encodings are compared
    without case and order. An absent field differs from an empty one.
    """
    return b"\n".join(_variant_part(name, request.text(name)) for name in names)


def _variant_part(name: bytes, value: str | None) -> bytes:
    if value is None:
        return name
    members = split_list(value.lower() if name in _SORTED_VARIANTS else value)
    if name in _SORTED_VARIANTS:
        members.sort()
    return name + b":" + ",".join(members).encode("latin-1")


def _is_explicit(response: FieldLines, directives: Directives) -> bool:
    """Does the origin say itself how long the response is fresh (RFC 9110 9.3.3)?"""
    said = directives.said
    if said.max_age is not None or said.s_maxage is not None:
        return True
    return b"expires" in response and not directives.targeted


def _shared_despite_authorization(said: CacheControl) -> bool:
    return said.public or said.must_revalidate or said.s_maxage is not None


def _sets_cookie(response: FieldLines, said: CacheControl) -> bool:
    return b"set-cookie" in response and b"set-cookie" not in said.withheld


def _is_cacheable(status: int, said: CacheControl, expires: bool) -> bool:
    """Does anything, the status at least, allow storing (RFC 9111 3, last item)?"""
    return (
        status in HEURISTIC_STATUSES
        or said.public
        or said.max_age is not None
        or said.s_maxage is not None
        or expires
    )


def _is_reusable(
    status: int, response: FieldLines, directives: Directives, policy: CachePolicy
) -> bool:
    """Can a stored copy ever be of use: by its lifetime, a validator, or as a stale answer?"""
    said = directives.said
    if b"etag" in response or b"last-modified" in response:
        return True
    if said.no_cache:
        return False
    lifetime, _ = _lifetime(status, response, directives, 0.0, policy)
    return bool(lifetime or said.stale_while_revalidate or said.stale_if_error)


def _lifetime(
    status: int,
    response: FieldLines,
    directives: Directives,
    received_at: float,
    policy: CachePolicy,
) -> tuple[int, LifetimeSource]:
    """Freshness lifetime in seconds and where it comes from (RFC 9111 4.2.1, 4.2.2)."""
    said = directives.said
    if said.s_maxage is not None:
        return said.s_maxage, LifetimeSource.S_MAXAGE
    if said.max_age is not None:
        return said.max_age, LifetimeSource.MAX_AGE
    date = _date(response)
    base = int(received_at) if date is None else date
    if b"expires" in response and not directives.targeted:
        expires = _sole_date(response, b"expires")
        lifetime = 0 if expires is None else min(max(expires - base, 0), SECONDS_MAX)
        return lifetime, LifetimeSource.EXPIRES
    if policy.heuristic and (status in HEURISTIC_STATUSES or said.public):
        modified = _sole_date(response, b"last-modified")
        if modified is not None:
            guess = int(max(base - modified, 0) * policy.heuristic_fraction)
            return min(guess, policy.heuristic_limit_seconds), LifetimeSource.HEURISTIC
    return 0, LifetimeSource.NONE


def _error_allowance(said: CacheControl, policy: CachePolicy) -> int:
    """Seconds past the lifetime in which a failing origin may be hidden (RFC 5861 4)."""
    if said.stale_if_error is not None:
        return said.stale_if_error
    return policy.stale_limit_seconds if policy.stale_when_origin_fails else 0


def _is_unwelcome(freshness: Freshness, now: float, wishes: CacheControl) -> bool:
    """Does the client ask for something younger, or fresh for longer (RFC 9111 5.2.1)?"""
    age = freshness.age_seconds(now)
    if wishes.max_age is not None and (wishes.max_age == 0 or age > wishes.max_age):
        return True
    left = freshness.fresh_until - now
    return wishes.min_fresh is not None and left < wishes.min_fresh


def _age_value(response: FieldLines) -> int:
    """First member of the first Age line if it is digits, else 0 (RFC 9111 5.1)."""
    line = response.first(b"age")
    if line is None:
        return 0
    first_member = line.split(b",", 1)[0].strip(b" \t").decode("latin-1")
    return parse_seconds(first_member) or 0


def _date(response: FieldLines) -> int | None:
    return _sole_date(response, b"date")


def _sole_date(response: FieldLines, name: bytes) -> int | None:
    """The date in a field of exactly one line; None for several or for any other text."""
    lines = response.lines(name)
    return parse_http_date(lines[0].decode("latin-1")) if len(lines) == 1 else None
