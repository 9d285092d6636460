"""The life of a request on the edge's full path: `Service.serve`, top to bottom.

    match → admit → (pass | decide → serve, revalidate, fetch) → answer → account

Each step is a named call; policy is decided in `decision`, bytes come from `reader`, heads from
`respond`. The fast lane answers what this path would answer in the same bytes, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cdnkit.errors import CinedgeError, UnavailableError, UpstreamTimeoutError
from cdnkit.fields import FieldLines, Pair
from cdnkit.freshness import CachePolicy
from cdnkit.wire import LIVE_PATH, READY_PATH, MissClass, Outcome
from edge.access import Access, split_cookie
from edge.account import Accounts, Told
from edge.answer import Answers
from edge.cache.holdings import Holdings
from edge.decision import Fetch, Revalidate, Serve, Unsatisfiable, decide
from edge.entry import Entry
from edge.exchange import ClientGoneError, Exchange
from edge.fastlane import FastLane
from edge.fetch import COLLECTED_BYTES_MAX, Fetcher, Learned
from edge.http1.fields import FieldError
from edge.http1.request import Request
from edge.onward import all_pairs, refuse_loop
from edge.origin import Origin
from edge.passing import close_if_endless, converse, pass_answer, pass_interim
from edge.routing import Matched, Routing
from edge.upstream.upstreams import Lent

_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What a request's life needs; made once by `edge.app`."""

    routing: Routing
    access: Access
    holdings: Holdings
    fetcher: Fetcher
    origin: Origin
    answers: Answers
    accounts: Accounts
    policy: CachePolicy
    node: str
    is_ready: Callable[[], str | None]
    answers_health: bool
    new_request_id: Callable[[Exchange], bytes]
    lane: FastLane
    now: Callable[[], float] = time.time


class Service:
    """Answers requests; one per worker."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._log = structlog.get_logger("edge.serve")

    async def serve(self, exchange: Exchange) -> None:
        """One request from its head to the last byte of its answer."""
        parts, request = self._parts, exchange.request
        told = Told(parts.new_request_id(exchange))
        try:
            if parts.answers_health and request.target in _HEALTH:
                self._health(exchange, told)
            elif (
                request.method == b"OPTIONS" and b"access-control-request-method" in request.fields
            ):
                parts.answers.preflight(exchange, told)
            else:
                refuse_loop(request.fields, parts.node)
                matched = parts.routing.match(request.target)
                told.claims = parts.access.check(
                    matched, _take_cookie(request), exchange.connection.peer, parts.now()
                )
                if request.method not in (b"GET", b"HEAD") or request.has_body:
                    await self._pass(exchange, told, matched)
                else:
                    await self._from_store(exchange, told, matched)
        except ClientGoneError:
            exchange.connection.server.drop(exchange.connection)
        except FieldError as error:
            parts.answers.refuse(exchange, told, 400, str(error))
        except CinedgeError as error:
            parts.answers.problem(exchange, told, error)
        except Exception:
            self._log.exception("request failed", target=request.target)
            parts.answers.problem(exchange, told, CinedgeError("the edge made a mistake"))
        complete = await exchange.finished()
        parts.accounts.settle(told, exchange, complete)

    async def _from_store(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """GET and HEAD: what is decided about the entry, if there is one."""
        parts, request = self._parts, exchange.request
        key = parts.holdings.key_of(matched.target, request.fields)
        if parts.fetcher.is_uncacheable(key):
            await self._pass(exchange, told, matched)
            return
        entry = parts.holdings.entries.get(key)
        if entry is not None and not entry.is_servable(parts.answers.wanted(exchange, entry)):
            parts.holdings.remove(entry, MissClass.EVICTED)
            entry = None
        decision = decide(
            request.fields,
            None if entry is None else entry.head.freshness,
            parts.holdings.why_missing(key),
            parts.now(),
            parts.policy,
        )
        match decision:
            case Serve():
                assert entry is not None
                if decision.refresh:
                    parts.fetcher.refresh(entry, matched.target, request)
                outcome = Outcome.STALE if decision.refresh else Outcome.HIT
                parts.answers.from_entry(exchange, told, entry, outcome)
                if told.outcome is Outcome.HIT and told.status in (200, 206):
                    self._teach(exchange, told, matched, entry)
            case Revalidate():
                assert entry is not None
                await self._revalidate(
                    exchange, told, matched, entry, decision.judgement.usable_on_error
                )
            case Fetch():
                told.miss_class = decision.miss_class
                await self._fetch(exchange, told, matched, key)
            case Unsatisfiable():
                raise UpstreamTimeoutError("nothing stored answers this, and no other was asked")

    def _teach(self, exchange: Exchange, told: Told, matched: Matched, entry: Entry) -> None:
        """The same request again needs no decision, for as long as nothing it hangs on changes."""
        request, claims = exchange.request, told.claims
        if request.method != b"GET" or entry.key != matched.target:
            return
        good_until = entry.head.freshness.fresh_until
        if claims is not None:
            if matched.token is None or claims.client_prefix or claims.countries:
                return
            good_until = min(good_until, claims.expires_at)
        if good_until > self._parts.now() and b"CMCD=" not in request.target:
            session = claims.session if claims is not None else ""
            self._parts.lane.teach(request.target, entry, good_until, session)

    async def _fetch(self, exchange: Exchange, told: Told, matched: Matched, key: bytes) -> None:
        parts, request = self._parts, exchange.request
        if request.method == b"HEAD":
            await self._pass(exchange, told, matched)
            return
        learned, told.collapsed = await parts.fetcher.learn(
            key,
            matched.target,
            request,
            parts.answers.first_byte(request),
            lambda head: pass_interim(exchange, head),
        )
        if learned.entry is not None:
            told.status = learned.status
            parts.answers.from_entry(exchange, told, learned.entry, Outcome.MISS)
        else:
            await self._pass_learned(exchange, told, matched, learned)

    async def _revalidate(
        self, exchange: Exchange, told: Told, matched: Matched, entry: Entry, usable: bool
    ) -> None:
        parts = self._parts
        told.miss_class = MissClass.EXPIRED
        try:
            learned = await parts.fetcher.revalidate(entry, matched.target, exchange.request)
        except CinedgeError as error:
            if not usable:
                raise UpstreamTimeoutError("the upstream failed, and stale is forbidden") from error
            parts.answers.from_entry(exchange, told, entry, Outcome.STALE)
            return
        if learned.entry is not None:
            outcome = Outcome.REVALIDATED if learned.status == 304 else Outcome.MISS
            told.status = learned.status
            parts.answers.from_entry(exchange, told, learned.entry, outcome)
        elif learned.status >= 500 and usable:
            await self._drop(learned.claim())
            parts.answers.from_entry(exchange, told, entry, Outcome.STALE)
        else:
            await self._pass_learned(exchange, told, matched, learned)

    async def _pass_learned(
        self, exchange: Exchange, told: Told, matched: Matched, learned: Learned
    ) -> None:
        """The answer may not be stored: it is for the viewer who asked first."""
        lent = learned.claim()
        if lent is None or exchange.request.method == b"HEAD":
            await self._drop(lent)
            await self._pass(exchange, told, matched)
            return
        told.status, told.outcome = lent.head.status, Outcome.MISS
        close_if_endless(exchange, lent.head)
        hop = self._parts.answers.hop(exchange, told, lent.head.fields)
        await pass_answer(exchange, lent, hop, learned.keep, COLLECTED_BYTES_MAX)

    async def _pass(self, exchange: Exchange, told: Told, matched: Matched) -> None:
        """Any method, nothing stored; what an unsafe method changed is forgotten here."""
        parts, request = self._parts, exchange.request
        told.outcome = Outcome.PASS
        if request.method in _SAFE and not request.has_body:
            lent = await parts.origin.ask(
                matched.target,
                request.method,
                all_pairs(request),
                (),
                lambda head: pass_interim(exchange, head),
                told.request_id,
            )
        else:
            lent = await self._converse(exchange, told, matched)
        told.status = lent.head.status
        if request.method not in _SAFE and 200 <= lent.head.status < 400:
            parts.fetcher.invalidate(matched.target, lent.head, request.host)
        close_if_endless(exchange, lent.head)
        await pass_answer(exchange, lent, parts.answers.hop(exchange, told, lent.head.fields))

    async def _converse(self, exchange: Exchange, told: Told, matched: Matched) -> Lent:
        parts, request = self._parts, exchange.request
        pool = parts.origin.pool(matched)
        connection, _ = await pool.acquire(fresh=True)
        own: list[Pair] = []
        if request.chunked:
            own.append((b"transfer-encoding", b"chunked"))
        elif b"content-length" in request.fields:
            own.append((b"content-length", b"%d" % request.content_length))
        head = parts.origin.head(
            request.method, matched, pool.endpoint, all_pairs(request), own, told.request_id
        )
        requested_at = parts.now()
        try:
            answer = await converse(exchange, connection, head)
        except BaseException:
            connection.abort()
            pool.release(connection)
            raise
        return Lent(pool, connection, answer, requested_at, parts.now())

    async def _drop(self, lent: Lent | None) -> None:
        if lent is not None:
            lent.connection.abort()
            lent.release()

    def _health(self, exchange: Exchange, told: Told) -> None:
        live = exchange.request.target == LIVE_PATH.encode()
        reason = None if live else self._parts.is_ready()
        if reason is None:
            self._parts.answers.small(exchange, told, 200, b'{"status":"ready"}')
        else:
            self._parts.answers.problem(exchange, told, UnavailableError(reason, 1, state=reason))


def _take_cookie(request: Request) -> str | None:
    """The token among the request's cookies, which end here when there is one."""
    token, pairs = split_cookie(request.pairs)
    if token is not None:
        request.pairs, request.fields = pairs, FieldLines(pairs)
    return token


_HEALTH = frozenset({LIVE_PATH.encode(), READY_PATH.encode()})
