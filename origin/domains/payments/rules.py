"""What a subscription is, what may be done to it, what it entitles to, and who hears of it.

All states and transitions stand here as tables. Stripe decides states; we only read them
(`STATES`), so a transition is not an error but a reason to tell somebody. No request, no SQL, no
clock.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from cdnkit.errors import ConflictError
from origin.domains.payments.plans import Plans


class State(enum.StrEnum):
    """Where a subscription stands."""

    NONE = "none"
    INCOMPLETE = "incomplete"
    """Asked for; the first payment has not arrived."""
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    """A later payment failed; watching goes on for the grace."""
    SUSPENDED = "suspended"
    """Stripe has given up collecting, or pauses."""
    CANCELED = "canceled"


class Action(enum.StrEnum):
    """What somebody may want."""

    SUBSCRIBE = "subscribe"
    CHANGE = "change"
    CANCEL = "cancel"
    RESUME = "resume"


STATES: Final[Mapping[str, State]] = {
    "incomplete": State.INCOMPLETE,
    "incomplete_expired": State.CANCELED,
    "trialing": State.TRIALING,
    "active": State.ACTIVE,
    "past_due": State.PAST_DUE,
    "unpaid": State.SUSPENDED,
    "paused": State.SUSPENDED,
    "canceled": State.CANCELED,
}
"""Stripe's words (https://docs.stripe.com/api/subscriptions/object, `status`)."""

ALLOWED: Final[Mapping[State, frozenset[Action]]] = {
    State.NONE: frozenset({Action.SUBSCRIBE}),
    State.INCOMPLETE: frozenset({Action.CANCEL}),
    State.TRIALING: frozenset({Action.CHANGE, Action.CANCEL, Action.RESUME}),
    State.ACTIVE: frozenset({Action.CHANGE, Action.CANCEL, Action.RESUME}),
    State.PAST_DUE: frozenset({Action.CANCEL}),
    State.SUSPENDED: frozenset({Action.CANCEL}),
    State.CANCELED: frozenset({Action.SUBSCRIBE}),
}

LIVE: Final = frozenset({State.TRIALING, State.ACTIVE, State.PAST_DUE})
"""States that entitle to something."""
PAID_AHEAD: Final = frozenset({State.TRIALING, State.ACTIVE})
"""States whose period is had already: ending takes effect with it."""
OWING: Final = frozenset({State.INCOMPLETE, State.PAST_DUE, State.SUSPENDED})
"""States with an invoice that a new means of payment may settle."""
_RANK: Final = (*LIVE, State.SUSPENDED, State.INCOMPLETE, State.CANCELED)

_TOLD: Final[Mapping[tuple[bool, State], str]] = {
    (False, State.TRIALING): "subscription.started",
    (False, State.ACTIVE): "subscription.started",
    (True, State.PAST_DUE): "payment.failed",
    (True, State.SUSPENDED): "subscription.canceled",
    (True, State.CANCELED): "subscription.canceled",
}
"""Whether the state before was live, and the new state: what people hear."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription as Stripe has it now."""

    id: str
    status: str
    item: str
    stripe_plan: str
    currency: str
    period_end: float
    ending: bool
    created: float
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as our row has it. Times in epoch seconds."""

    account: str
    customer: str
    stripe_id: str = ""
    plan: str = ""
    currency: str = ""
    state: State = State.NONE
    period_end: float = 0.0
    ending: bool = False
    past_due_since: float | None = None
    reads: int = 0
    written: int = 0
    """Numbers of the last read that began and of the one that is in this row (`syncing`)."""
    checked_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What an account may watch with, until a time."""

    plan: str
    state: State
    until: float
    streams_max: int
    height_max: int


@dataclass(frozen=True, slots=True)
class Terms:
    """How long entitlements outlast what was paid for."""

    grace_seconds: float
    """After a payment failed."""
    slack_seconds: float
    """After a period that goes on: the renewal is on its way."""


class NotNowError(ConflictError):
    """The subscription's state does not allow this; `state` says which it is."""

    code = "subscription-state"


def check_action(row: Subscription | None, action: Action) -> None:
    """Raises NotNowError."""
    state = row.state if row else State.NONE
    if action not in ALLOWED[state]:
        raise NotNowError(f"a subscription that is {state} cannot {action}", state=str(state))


def pick(standings: Sequence[Standing]) -> Standing | None:
    """The one that counts: what entitles before what does not, then the newest."""

    def order(standing: Standing) -> tuple[bool, int, float]:
        state = state_of(standing)
        return state in LIVE, -_RANK.index(state), standing.created

    return max(standings, key=order, default=None)


def state_of(standing: Standing) -> State:
    """A word that Stripe has not told us of yet gives nothing."""
    return STATES.get(standing.status, State.SUSPENDED)


def follow(row: Subscription, standing: Standing | None, plans: Plans, now: float) -> Subscription:
    """The row after Stripe was read. A plan that left the topology keeps its name."""
    if standing is None:
        ended = State.NONE if not row.stripe_id else State.CANCELED
        return replace(row, state=ended, ending=False, past_due_since=None)
    state = state_of(standing)
    plan = plans.by_stripe(standing.stripe_plan)
    since = row.past_due_since if row.stripe_id == standing.id else None
    return replace(
        row,
        stripe_id=standing.id,
        plan=plan.id if plan else row.plan,
        currency=standing.currency,
        state=state,
        period_end=standing.period_end,
        ending=standing.ending,
        past_due_since=(since or now) if state is State.PAST_DUE else None,
    )


def entitled_until(row: Subscription, terms: Terms) -> float:
    """When the entitlement of a row ends; 0 for none."""
    if row.state not in LIVE:
        return 0.0
    if row.state is State.PAST_DUE:
        return (row.past_due_since or 0.0) + terms.grace_seconds
    return row.period_end if row.ending else row.period_end + terms.slack_seconds


def kinds_told(before: Subscription, after: Subscription) -> Sequence[str]:
    """What people hear of a change, as kinds of events."""
    was, told = before.state in LIVE, _TOLD.get((before.state in LIVE, after.state))
    if before.stripe_id != after.stripe_id and after.state in LIVE:
        told = "subscription.started"
    elif before.state is State.PAST_DUE and after.state is State.PAST_DUE:
        told = None
    elif before.state is State.PAST_DUE and after.state is State.ACTIVE:
        told = "payment.recovered"
    if told:
        return [told]
    if not was or after.state not in LIVE:
        return []
    changes = {
        "subscription.changed": before.plan != after.plan,
        "subscription.ending": after.ending and not before.ending,
        "subscription.resumed": before.ending and not after.ending,
    }
    return [kind for kind, happened in changes.items() if happened]


def payload_of(row: Subscription, plans: Plans, terms: Terms) -> dict[str, Any]:
    """What messages about a subscription are worded from."""
    plan = plans.find(row.plan)
    until = entitled_until(row, terms) if row.state is State.PAST_DUE else row.period_end
    return {
        "plan": row.plan,
        "plan_name": plan.name if plan else row.plan,
        "until": datetime.fromtimestamp(until, UTC).date().isoformat(),
    }


def is_entitled(entitlement: Entitlement, now: float) -> bool:
    """Half open: not any more at `until` itself."""
    return now < entitlement.until


def format_money(amount_minor: int, currency: str) -> str:
    """An amount as people read it, for currencies of two decimals; others in minor units."""
    if currency in _WITHOUT_DECIMALS:
        return f"{amount_minor} {currency.upper()}"
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{abs(amount_minor) // 100}.{abs(amount_minor) % 100:02} {currency.upper()}"


_WITHOUT_DECIMALS: Final = frozenset(
    {
        *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
        *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
    }
)
"""https://docs.stripe.com/currencies#zero-decimal"""
