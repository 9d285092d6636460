"""A title on its way to viewers, as a table, without any I/O: what may happen next.

The steps are done by `origin.packaging.line`; where a title stands is a row of the catalog. The
drawing in docs/states.md is made from this table.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from cdnkit.errors import ConflictError


class TitleState(enum.Enum):
    """Where a title stands."""

    RECEIVED = "received"
    VERIFIED = "verified"
    PACKAGED = "packaged"
    PLACED = "placed"
    PUBLISHED = "published"
    RETIRED = "retired"
    REFUSED = "refused"


class TitleEvent(enum.Enum):
    """What happens to a title."""

    RECEIVE = "receive"
    VERIFY = "verify"
    PACKAGE = "package"
    PLACE = "place"
    PUBLISH = "publish"
    REFUSE = "refuse"
    RETIRE = "retire"


TRANSITIONS: Final[Mapping[TitleState, Mapping[TitleEvent, TitleState]]] = {
    TitleState.RECEIVED: {
        TitleEvent.VERIFY: TitleState.VERIFIED,
        TitleEvent.REFUSE: TitleState.REFUSED,
        TitleEvent.RECEIVE: TitleState.RECEIVED,
        TitleEvent.RETIRE: TitleState.RETIRED,
    },
    TitleState.VERIFIED: {
        TitleEvent.PACKAGE: TitleState.PACKAGED,
        TitleEvent.REFUSE: TitleState.REFUSED,
        TitleEvent.RECEIVE: TitleState.RECEIVED,
        TitleEvent.RETIRE: TitleState.RETIRED,
    },
    TitleState.PACKAGED: {
        TitleEvent.PLACE: TitleState.PLACED,
        TitleEvent.REFUSE: TitleState.REFUSED,
        TitleEvent.RECEIVE: TitleState.RECEIVED,
        TitleEvent.RETIRE: TitleState.RETIRED,
    },
    TitleState.PLACED: {
        TitleEvent.PUBLISH: TitleState.PUBLISHED,
        TitleEvent.RECEIVE: TitleState.RECEIVED,
        TitleEvent.RETIRE: TitleState.RETIRED,
    },
    TitleState.PUBLISHED: {
        TitleEvent.RECEIVE: TitleState.RECEIVED,
        TitleEvent.RETIRE: TitleState.RETIRED,
    },
    TitleState.RETIRED: {TitleEvent.RECEIVE: TitleState.RECEIVED},
    TitleState.REFUSED: {
        TitleEvent.RECEIVE: TitleState.RECEIVED,
        TitleEvent.RETIRE: TitleState.RETIRED,
    },
}

WORKABLE: Final = frozenset(
    {TitleState.RECEIVED, TitleState.VERIFIED, TitleState.PACKAGED, TitleState.PLACED}
)
"""States in which the origin itself has the next step to do."""


def step(state: TitleState, event: TitleEvent) -> TitleState:
    """The state after `event`. Raises ConflictError when it cannot happen now."""
    following = TRANSITIONS[state].get(event)
    if following is None:
        raise ConflictError(f"a title that is {state.value} cannot take '{event.value}'")
    return following
