"""The machine of three states, and what /livez and /readyz make of it."""

from __future__ import annotations

import pytest

from cdnkit.errors import ConflictError
from cdnkit.service.health import TABLE, Event, Health, State, step
from tests.cdnkit.service.conftest import Start


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_pair_is_in_the_table_or_refused(state: State, event: Event) -> None:
    if event in TABLE[state]:
        assert step(state, event) is TABLE[state][event]
    else:
        with pytest.raises(ConflictError):
            step(state, event)


@pytest.mark.parametrize("state", State)
def test_draining_can_be_reached_from_every_state(state: State) -> None:
    assert step(state, Event.DRAIN) is State.DRAINING


def test_a_late_start_does_not_undo_draining() -> None:
    health = Health()
    health.drain()
    with pytest.raises(ConflictError):
        health.started()
    assert health.is_draining


def test_a_name_is_taken_once() -> None:
    health = Health()
    health.add_check("disk", lambda: None)
    with pytest.raises(ConflictError):
        health.add_check("disk", lambda: None)


def test_one_failing_check_is_enough() -> None:
    health = Health()
    health.started()
    health.add_check("disk", lambda: None)
    health.add_check("feed", lambda: "12 s behind")
    ready, body = health.report()
    assert not ready
    assert body == {"status": "failing", "checks": {"disk": "ok", "feed": "12 s behind"}}


def test_a_check_that_raises_is_a_failing_check() -> None:
    def broken() -> str | None:
        raise OSError("gone")

    health = Health()
    health.started()
    health.add_check("disk", broken)
    assert health.report() == (
        False,
        {"status": "failing", "checks": {"disk": "the check itself failed"}},
    )


async def test_readiness_follows_the_state_and_liveness_does_not(start: Start) -> None:
    rig = await start()
    rig.health.add_check("disk", lambda: None)

    async def ask(path: str) -> tuple[int, dict[str, object], str]:
        async with rig.client.get(rig.url(path)) as answer:
            return answer.status, await answer.json(), answer.headers["Cache-Control"]

    ready = {"status": "ready", "checks": {"disk": "ok"}}
    assert await ask("/readyz") == (200, ready, "no-store")
    rig.health.drain()
    assert await ask("/readyz") == (503, {**ready, "status": "draining"}, "no-store")
    assert await ask("/livez") == (200, {"status": "alive"}, "no-store")
    rig.health.resume()
    assert await ask("/readyz") == (200, ready, "no-store")
    assert rig.requests("GET", "/readyz", 503) == 1


async def test_not_ready_before_started(start: Start) -> None:
    health = Health()
    assert health.report() == (False, {"status": "starting", "checks": {}})


async def test_head_is_answered_too(start: Start) -> None:
    rig = await start()
    async with rig.client.head(rig.url("/readyz")) as answer:
        assert answer.status == 200
        assert await answer.read() == b""
