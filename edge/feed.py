"""Following the origin's change journal: what was replaced, deleted or purged is not served again.

Each origin's journal is read in order by long-poll; the place reached is kept on disk, so that an
edge that was away replays what it missed before it says ready. While the journal cannot be read, or
where it has a gap, nothing held is trusted without asking (`edge.trust`, docs/decisions/0005).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import structlog

from cdnkit.service.lasting import lasting
from cdnkit.wire import CHANGES_PATH, ChangeKind
from edge.cache.holdings import Holdings
from edge.orders import Orders
from edge.place import Place, read_place, write_place
from edge.receipts import Identity, Receipts
from edge.trust import Event, State

WAIT_SECONDS: Final = 25
BEHIND_SECONDS_MAX: Final = 1.0
"""How long another edge that knows more waits for us to learn it."""
_RETRY_SECONDS: Final = 1.0
_NO_JOURNAL: Final = (
    *(aiohttp.ClientError, TimeoutError),
    *(ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError),
)
"""What asking may raise, and what reading any JSON as a page of a journal may."""
_ANSWER_SECONDS: Final = 10.0
"""How much longer than the wait an answer may take: a silent origin must not hold a start up."""

_UNNAMED: Final = frozenset({401, 403})
_HINT: Final = "list a token with the scope 'edge' under access_tokens"
_ORDERS: Final = frozenset(
    kind.value for kind in (ChangeKind.PURGE, ChangeKind.WARM, ChangeKind.PIN, ChangeKind.UNPIN)
)


def places_of(path: Path, number: int, workers: int) -> Path:
    """Where worker `number` keeps how far it has read in journals."""
    return path if workers == 1 else path / f"places-{number}-of-{workers}"


class Feed:
    """Follows one origin's journal and invalidates what it names.

    `sequence` is how far the journal was acted on, `heard` how far that may have begun.
    `targets_of` gives the request targets under which a key is served here.
    """

    def __init__(
        self,
        origin_url: str,
        holdings: Holdings,
        targets_of: Callable[[str], list[bytes]],
        place: Path,
        orders: Orders,
        receipts: Receipts,
        identity: Identity,
    ) -> None:
        self.reached = asyncio.Event()
        self.sequence = 0
        self.heard = 0
        self._url = origin_url.rstrip("/") + CHANGES_PATH
        self._journal: str | None = None
        self._holdings = holdings
        self._trust = holdings.trust
        self._targets_of = targets_of
        self._place = place
        self._orders = orders
        self._receipts = receipts
        self._identity = identity
        self._is_named = True
        self._ended = False
        self._advanced = asyncio.Event()
        self._kept: Place | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("edge.feed")
        self._trust.follow(self)

    @property
    def connected(self) -> bool:
        """Whether the journal is heard."""
        return self._trust.state_of(self) is State.HEARD

    async def follow(self) -> None:
        """Follow for ever. `reached` is set once nothing held can be out of date unnoticed."""
        known = read_place(self._place)
        if known is not None:
            # Also where it says nothing of what is held: orders before it were obeyed.
            self._journal = known.journal
            self.sequence = self.heard = known.sequence
        if known is None or known.mark not in self._trust.marks.good:
            self._trust.tell(self, Event.LOST)
        else:
            self._kept = known
        try:
            await lasting("journal", self._follow)
        finally:
            self._ended = True
            self._trust.leave(self)
            if self._keeping is not None:
                await self._keeping

    async def has_acted_on(self, sequence: int) -> bool:
        """Whether everything up to `sequence` was acted on; what is due soon is waited for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEHIND_SECONDS_MAX):
                while self.sequence < sequence:
                    await self._advanced.wait()
        return self.sequence >= sequence

    async def _follow(self) -> None:
        try:
            await self._read_on()
        except Exception as error:
            # What could not be acted on may be held here.
            self._lost(error)
            raise

    async def _read_on(self) -> None:
        async with self._identity.session() as session:
            wait_seconds = 0
            while True:
                try:
                    caught_up = await self._read(session, wait_seconds)
                except _NO_JOURNAL as error:
                    self._lost(error)
                    await asyncio.sleep(_RETRY_SECONDS)
                    wait_seconds = 0
                    continue
                if caught_up:
                    self._trust.tell(self, Event.CAUGHT_UP)
                    self.reached.set()
                    wait_seconds = WAIT_SECONDS

    async def _read(self, session: aiohttp.ClientSession, wait_seconds: int) -> bool:
        """One request; True when there is nothing more to read now."""
        parameters = {"after": str(self.sequence), "wait": str(wait_seconds), "limit": "1000"}
        if self._is_named:
            parameters["edge"] = self._identity.edge
        limit = aiohttp.ClientTimeout(total=wait_seconds + _ANSWER_SECONDS, sock_connect=5)
        async with session.get(self._url, params=parameters, timeout=limit) as response:
            if self._is_named and response.status in _UNNAMED:
                # Without our name orders do not wait for us, yet we still learn of everything.
                self._is_named = False
                self._log.warning("not known as an edge here", url=self._url, hint=_HINT)
                return False
            response.raise_for_status()
            page = await response.json()
        changes, last = page["changes"], int(page["last"])
        self.heard = last
        self._look_for_place(page.get("journal"), [each["sequence"] for each in changes], last)
        for change in changes:
            await self._apply(change)
        if last != self.sequence or not changes:
            self.sequence = last
            advanced, self._advanced = self._advanced, asyncio.Event()
            advanced.set()
            if self._keeping is None or self._keeping.done():
                self._keeping = asyncio.create_task(self._keep_place())
        return len(changes) < 1000

    def _look_for_place(self, journal: str | None, sequences: list[int], last: int) -> None:
        """See whether a page goes on from where we are in the journal that we followed."""
        if not isinstance(journal, str | None):
            raise TypeError("not the name of a journal")
        known, self._journal = self._journal, journal
        stop = self.sequence + 1 + len(sequences)
        goes_on = sequences == list(range(self.sequence + 1, stop)) and last == stop - 1
        if known not in (None, journal) or not goes_on:
            self._trust.tell(self, Event.LOST)
        if self._trust.state_of(self) is State.ASTRAY:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """From here on we are told everything; nothing known says what changed before."""
        self._trust.tell(self, Event.FOUND)
        self._holdings.distrust()

    async def _apply(self, change: Mapping[str, Any]) -> None:
        kind, detail = change.get("kind"), change.get("detail")
        if kind == ChangeKind.RESTORED.value:
            # What came after the backup is forgotten there, and may be something else by now.
            self._trust.tell(self, Event.LOST)
            self._begin_anew()
            return
        if kind in _ORDERS and isinstance(detail, dict) and "order" in detail:
            await self._orders.obey(str(kind), detail, self._receipts)
            return
        etag = change.get("etag") if kind == ChangeKind.PUBLISH.value else None
        for target in self._targets_of(change["key"]):
            self._holdings.invalidate(target, etag if isinstance(etag, str) else None)

    def _lost(self, error: Exception) -> None:
        if self.connected or not self.reached.is_set():
            self._log.warning("change feed lost", url=self._url, error=repr(error))
        self._trust.tell(self, Event.CUT)
        self.reached.set()

    async def _keep_place(self) -> None:
        """Write the place down once the disks know what came before it: a crash forgets nothing."""
        while self._kept != (place := self._here()):
            if not await self._holdings.recorded():
                return
            # An order behind the place is not heard again: its receipt has to be out before.
            if not await self._receipts.told():
                if self._ended:
                    return
                continue
            try:
                await asyncio.to_thread(write_place, self._place, place)
            except OSError as error:
                # The older place on disk only makes the next start replay more.
                self._log.warning("place in the change feed not kept", error=str(error))
            self._kept = place

    def _here(self) -> Place:
        return Place(self.sequence, self._journal, self._trust.marks.newest)
