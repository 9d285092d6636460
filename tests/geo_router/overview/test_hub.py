"""Who comes back gets what it missed or a whole picture; who is slow costs nobody anything."""

from __future__ import annotations

import json

import pytest

from cdnkit.errors import UnavailableError
from geo_router.overview.hub import KEPT_MAX, LISTENERS_MAX, QUEUE_MAX, QUIET_EVENTS_MAX, Hub


async def test_a_new_listener_begins_with_a_picture_and_goes_on_with_events() -> None:
    hub = Hub("e")
    with hub.listening() as listener:
        assert listener.is_behind
        assert await listener.next() is None
        listener.caught_up()
        hub.publish("tick", {"now": 1})
        event = await listener.next()
        assert event is not None
        assert (event.id, event.name, json.loads(event.data)) == ("e-1", "tick", {"now": 1})


async def test_who_comes_back_gets_what_it_missed() -> None:
    hub = Hub("e")
    with hub.listening() as listener:
        listener.caught_up()
        for number in range(5):
            hub.publish("tick", {"n": number})
    with hub.listening("e-3") as listener:
        assert not listener.is_behind
        missed = [await listener.next(), await listener.next()]
        assert [event.id for event in missed if event] == ["e-4", "e-5"]
    with hub.listening("e-5") as listener:
        assert not listener.is_behind


@pytest.mark.parametrize("last_id", ["", "other-4", "e-1", "e-999", "nonsense"])
async def test_an_id_that_is_not_kept_means_a_picture(last_id: str) -> None:
    hub = Hub("e")
    with hub.listening():
        for number in range(KEPT_MAX + 5):
            hub.publish("tick", {"n": number})
    with hub.listening(last_id) as listener:
        assert listener.is_behind


async def test_a_slow_reader_loses_its_queue_and_begins_anew() -> None:
    hub = Hub("e")
    with hub.listening() as slow, hub.listening() as quick:
        slow.caught_up()
        quick.caught_up()
        for number in range(QUEUE_MAX + 1):
            hub.publish("tick", {"n": number})
            assert await quick.next() is not None
        assert slow.is_behind
        assert not quick.is_behind
        assert await slow.next() is None
        slow.caught_up()
        hub.publish("tick", {"n": -1})
        event = await slow.next()
        assert event is not None
        assert event.id == hub.position


async def test_nothing_is_made_while_nobody_listens() -> None:
    hub = Hub("e")
    assert not hub.is_heard
    hub.publish("tick", {})
    with hub.listening():
        assert hub.is_heard
    for _ in range(QUIET_EVENTS_MAX):
        assert hub.is_heard
        hub.publish("tick", {})
    assert not hub.is_heard
    last = hub.position
    hub.publish("tick", {})
    with hub.listening(last) as listener:
        assert listener.is_behind


async def test_a_new_beginning_is_one_for_all() -> None:
    hub = Hub("e")
    with hub.listening() as listener:
        listener.caught_up()
        hub.publish("tick", {})
        hub.begin_anew()
        assert listener.is_behind
        assert await listener.next() is None
    with hub.listening(hub.position) as late:
        assert late.is_behind


async def test_listeners_are_counted_and_let_go_at_the_end() -> None:
    hub = Hub("e")
    held = [hub.listening() for _ in range(LISTENERS_MAX)]
    listeners = [each.__enter__() for each in held]
    with pytest.raises(UnavailableError), hub.listening():
        pass
    hub.close()
    assert all(listener.is_closed for listener in listeners)
    held.pop().__exit__(None, None, None)
    with hub.listening() as late:
        assert late.is_closed
    for each in held:
        each.__exit__(None, None, None)
