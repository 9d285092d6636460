"""Events for those who listen now, with bounded queues, and the last few for who comes back.

Every event has an id of this process's epoch and a number. Who comes back with an id that is still
kept gets what it missed; everybody else begins with a whole picture. A reader that is too slow for
its queue loses it and begins anew, too: events are changes, and none may be left out.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from cdnkit.errors import UnavailableError

QUEUE_MAX: Final = 16
KEPT_MAX: Final = 16
LISTENERS_MAX: Final = 64
QUIET_EVENTS_MAX: Final = 30
"""Events that are still kept after the last listener has left."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it goes out: its data is rendered once for all."""

    id: str
    name: str
    data: str


class Listener:
    """One reader: what is on its way to it."""

    def __init__(self, missed: list[Event] | None) -> None:
        self.is_behind = missed is None
        """Whether it needs a whole picture before the next event."""
        self._queue: deque[Event] = deque(missed or ())
        self._wake = asyncio.Event()
        self._closed = False

    def push(self, event: Event) -> None:
        """One event more, or, when it has not read for long, none at all."""
        if self.is_behind:
            return
        if len(self._queue) >= QUEUE_MAX:
            self.begin_anew()
        else:
            self._queue.append(event)
            self._wake.set()

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._wake.set()

    def begin_anew(self) -> None:
        """What it knows is of the past."""
        self._queue.clear()
        self.is_behind = True
        self._wake.set()

    def caught_up(self) -> None:
        """It has the whole picture of now."""
        self.is_behind = False

    async def next(self) -> Event | None:
        """The next event; None when it is behind, or when all has ended (`is_closed`)."""
        while not self._queue and not self.is_behind and not self._closed:
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft() if self._queue and not self._closed else None

    @property
    def is_closed(self) -> bool:
        """Whether the process ends."""
        return self._closed


class Hub:
    """All readers of one process."""

    def __init__(self, epoch: str) -> None:
        """`epoch` tells this process from every other."""
        self._epoch = epoch
        self._number = 0
        self._kept: deque[Event] = deque(maxlen=KEPT_MAX)
        self._listeners: set[Listener] = set()
        self._quiet = QUIET_EVENTS_MAX
        self._closed = False

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens, or did a moment ago: else events need not be made."""
        return bool(self._listeners) or self._quiet < QUIET_EVENTS_MAX

    @property
    def position(self) -> str:
        """The id of the newest event."""
        return f"{self._epoch}-{self._number}"

    def publish(self, name: str, data: Mapping[str, Any]) -> None:
        """Tell everybody."""
        self._number += 1
        if not self.is_heard:
            self._kept.clear()
            return
        if not self._listeners:
            self._quiet += 1
        event = Event(self.position, name, json.dumps(data, separators=(",", ":")))
        self._kept.append(event)
        for listener in self._listeners:
            listener.push(event)

    @contextmanager
    def listening(self, last_id: str = "") -> Iterator[Listener]:
        """Listen inside the block, from `last_id` on. Raises UnavailableError: too many do."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise UnavailableError("Too many pages follow this router.", 30)
        listener = Listener(self._missed(last_id))
        if self._closed:
            listener.close()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            self._quiet = 0

    def begin_anew(self) -> None:
        """Changes would not be understood any more: everybody is given a whole picture."""
        self._kept.clear()
        for listener in self._listeners:
            listener.begin_anew()

    def close(self) -> None:
        """The process ends: so do all streams."""
        self._closed = True
        for listener in self._listeners:
            listener.close()

    def _missed(self, last_id: str) -> list[Event] | None:
        ids = [event.id for event in self._kept]
        return list(self._kept)[ids.index(last_id) + 1 :] if last_id in ids else None
