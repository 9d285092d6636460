"""An upload as a state machine, without any I/O: what may happen next, and is it all there?

One table for uploads of one request and for resumable ones, which stay in a state between
requests. Decides from announcements and counted bytes whether an upload goes on, is complete or is
refused. `receive` and `origin.resumable` move the bytes; who may upload and under which
conditions is for `checks`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from cdnkit.errors import ConflictError, IncompleteBodyError, TooLargeError


class UploadState(enum.Enum):
    """Where an upload stands."""

    OPENED = "opened"
    RECEIVING = "receiving"
    RECEIVED = "received"
    PUBLISHED = "published"
    JOINED = "joined"
    ABANDONED = "abandoned"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class UploadEvent(enum.Enum):
    """What happens to an upload."""

    BYTES = "bytes"
    END = "end"
    VOUCHED = "vouched"
    JOIN = "join"
    FAILED = "failed"
    CANCEL = "cancel"
    EXPIRE = "expire"


_ENDS: Final = {
    UploadEvent.FAILED: UploadState.ABANDONED,
    UploadEvent.CANCEL: UploadState.CANCELLED,
    UploadEvent.EXPIRE: UploadState.EXPIRED,
}

TRANSITIONS: Final[Mapping[UploadState, Mapping[UploadEvent, UploadState]]] = {
    UploadState.OPENED: {
        UploadEvent.BYTES: UploadState.RECEIVING,
        UploadEvent.END: UploadState.RECEIVED,  # an empty object has no bytes to receive
        **_ENDS,
    },
    UploadState.RECEIVING: {
        UploadEvent.BYTES: UploadState.RECEIVING,
        UploadEvent.END: UploadState.RECEIVED,
        **_ENDS,
    },
    UploadState.RECEIVED: {
        UploadEvent.VOUCHED: UploadState.PUBLISHED,
        UploadEvent.JOIN: UploadState.JOINED,  # a part, by the upload that takes it up
        **_ENDS,
    },
    UploadState.PUBLISHED: {},
    UploadState.JOINED: {UploadEvent.EXPIRE: UploadState.EXPIRED},
    UploadState.ABANDONED: {},
    UploadState.CANCELLED: {},
    UploadState.EXPIRED: {},
}

ACTIVE: Final = (UploadState.OPENED, UploadState.RECEIVING, UploadState.RECEIVED)
"""The states in which an upload counts for its owner's quota and may still become an object."""


def step(state: UploadState, event: UploadEvent) -> UploadState:
    """The state after `event`. Raises ConflictError when it cannot happen now."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise ConflictError(f"an upload that is {state.value} cannot take '{event.value}'")
    return following


class UploadSession:
    """One upload of one request: its state and how many bytes it has."""

    def __init__(self, announced_bytes: int | None, limit_bytes: int) -> None:
        self.state = UploadState.OPENED
        self.received_bytes = 0
        self._announced_bytes = announced_bytes
        self._limit_bytes = limit_bytes

    def take(self, count_bytes: int) -> None:
        """More bytes arrived. Raises TooLargeError when they are more than the limit."""
        self.state = step(self.state, UploadEvent.BYTES)
        self.received_bytes += count_bytes
        if self.received_bytes > self._limit_bytes:
            raise TooLargeError(
                f"an object has at most {self._limit_bytes} bytes", limit_bytes=self._limit_bytes
            )

    def end(self) -> None:
        """The body ended. Raises IncompleteBodyError when it has not the announced length."""
        if self._announced_bytes not in (None, self.received_bytes):
            raise IncompleteBodyError(
                f"{self.received_bytes} bytes arrived of {self._announced_bytes} announced"
            )
        self.state = step(self.state, UploadEvent.END)

    def publish(self) -> None:
        """The bytes are verified and the catalog knows them."""
        self.state = step(self.state, UploadEvent.VOUCHED)

    def abandon(self) -> None:
        """Give up; an upload that has ended stays as it is."""
        if UploadEvent.FAILED in TRANSITIONS[self.state]:
            self.state = step(self.state, UploadEvent.FAILED)
