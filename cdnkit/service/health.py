"""Whether this process lives and whether it may receive traffic: /livez and /readyz.

The state says what the process intends; the checks say what it can. Both must agree for 200.
What a check looks at belongs to the tier that adds it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import structlog
from aiohttp import web
from pydantic import Field

from cdnkit.errors import ConflictError
from cdnkit.service.operations import Answer, Shape, operation, reply
from cdnkit.wire import LIVE_PATH, READY_PATH

Check = Callable[[], str | None]
"""Returns None when all is well, else the reason in a few words. Must be quick: no I/O."""

_log = structlog.get_logger()


class State(enum.Enum):
    """What the process intends."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Event(enum.Enum):
    """What moves it."""

    STARTED = "started"
    DRAIN = "drain"
    RESUME = "resume"


TABLE: Final[Mapping[State, Mapping[Event, State]]] = {
    State.STARTING: {Event.STARTED: State.READY, Event.DRAIN: State.DRAINING},
    State.READY: {Event.STARTED: State.READY, Event.DRAIN: State.DRAINING},
    State.DRAINING: {Event.DRAIN: State.DRAINING, Event.RESUME: State.READY},
}


def step(state: State, event: Event) -> State:
    """The state after `event`. Raises ConflictError when it cannot happen now."""
    following = TABLE[state].get(event)
    if following is None:
        raise ConflictError(f"Cannot {event.value} while {state.value}.")
    return following


class Alive(Shape):
    """This process answers."""

    status: Literal["alive"] = "alive"


class Readiness(Shape):
    """Whether traffic may come, and the result of each check."""

    status: Literal["starting", "ready", "draining", "failing"]
    checks: dict[str, str]
    topology: str = Field("", description="Names the topology file that the process goes by.")


class Health:
    """State and checks of one process."""

    def __init__(self) -> None:
        self.topology = ""
        self._state = State.STARTING
        self._checks: dict[str, Check] = {}

    @property
    def state(self) -> State:
        """What the process intends now."""
        return self._state

    @property
    def is_draining(self) -> bool:
        """True once connections should not be kept."""
        return self._state is State.DRAINING

    def add_check(self, name: str, check: Check) -> None:
        """Make readiness depend on `check`. Raises ConflictError for a name already taken."""
        if name in self._checks:
            raise ConflictError(f"There is a check {name!r} already.")
        self._checks[name] = check

    def started(self) -> None:
        """All is loaded; traffic may come."""
        self._state = step(self._state, Event.STARTED)

    def drain(self) -> None:
        """No new traffic, please; what runs is finished."""
        self._state = step(self._state, Event.DRAIN)

    def resume(self) -> None:
        """Traffic may come again. Raises ConflictError unless draining."""
        self._state = step(self._state, Event.RESUME)

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether traffic may come, and the body that says why."""
        checks = {name: _run(name, check) for name, check in self._checks.items()}
        healthy = all(result == "ok" for result in checks.values())
        ready = healthy and self._state is State.READY
        status = self._state.value if healthy or self._state is not State.READY else "failing"
        named = {"topology": self.topology} if self.topology else {}
        return ready, {"status": status, "checks": checks, **named}

    def routes(self) -> list[web.RouteDef]:
        """`/livez` and `/readyz`."""
        return [web.get(LIVE_PATH, _get_live), web.get(READY_PATH, self._get_ready)]

    @operation(
        answers={
            200: Answer("Traffic may come.", Readiness),
            503: Answer("It may not; `checks` says why.", Readiness),
        },
        tag="process",
    )
    async def _get_ready(self, request: web.Request) -> web.StreamResponse:
        """Whether this process may receive traffic."""
        ready, body = self.report()
        return reply(Readiness(**body), 200 if ready else 503)


@operation(tag="process")
async def _get_live(request: web.Request) -> Alive:
    """Whether this process answers at all."""
    return Alive(status="alive")


def _run(name: str, check: Check) -> str:
    try:
        return check() or "ok"
    except Exception:
        # A check that breaks is a failing check, not a failing process.
        _log.exception("health check raised", check=name)
        return "the check itself failed"
