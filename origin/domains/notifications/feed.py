"""Wakes the streams of one process when something new is in their inbox, whoever put it there.

One question to the database per look for all streams together, and none while nobody listens; what
is new a stream reads for itself. Closing wakes all for the last time.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from origin.catalog.database import Database
from origin.catalog.looking import keep_looking
from origin.domains.notifications import queries


class Feed:
    """Who listens, and what they have been woken for."""

    def __init__(
        self, database: Database, look_seconds: float, report: Callable[[str], None]
    ) -> None:
        self._database = database
        self._look_seconds = look_seconds
        self._report = report
        self._listeners: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._seen = 0
        self.is_closed = False

    @contextmanager
    def listening(self, account: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the account's inbox may have something new."""
        news = asyncio.Event()
        self._listeners[account].add(news)
        try:
            yield news
        finally:
            self._listeners[account].discard(news)
            if not self._listeners[account]:
                del self._listeners[account]

    def close(self) -> None:
        """Let all listeners go."""
        self.is_closed = True
        self._wake(self._listeners)

    async def run(self) -> None:
        """Look until cancelled; a database that is away is reported once and awaited."""
        await keep_looking(self.look, self._look_seconds, self._report, "inboxes are not followed")

    async def look(self) -> None:
        """Wake those whose inbox got something since the last look."""
        if not self._listeners:
            return
        async with self._database.reading() as connection:
            last = await queries.last_number(connection)
            if last == self._seen:
                return
            accounts = await queries.accounts_after(connection, self._seen)
        self._seen = last
        self._wake(accounts)

    def _wake(self, accounts: Iterable[str]) -> None:
        wanted = set(accounts)
        for account, listeners in self._listeners.items():
            for news in listeners if account in wanted else ():
                news.set()
