"""Claims about comparing topologies."""

from __future__ import annotations

from dataclasses import replace

from config.caching import Caching
from config.changes import (
    START,
    STOP,
    Change,
    changes_between,
    left_as_it_was,
    requirement_of,
    taken_over,
)
from config.declare import RELOAD, RESTART
from config.pacing import Pacing
from config.token_keys import TokenKey
from config.topology import (
    Address,
    CacheDisk,
    EdgeNode,
    EdgeSettings,
    OriginNode,
    Route,
    Site,
    Topology,
    Volume,
)

_EDGE = EdgeNode("e", "fra", Address("127.0.0.1", 9001), (CacheDisk("/c"),))
_OLD = Topology(sites=(Site("fra", 50, 8),), edges=(_EDGE,))


def with_edge(edge: EdgeNode) -> Topology:
    return replace(_OLD, edges=(edge,))


def test_equal_topologies_do_not_differ() -> None:
    assert changes_between(_OLD, with_edge(replace(_EDGE))) == []


def test_a_setting_is_named_by_its_node_and_shown_as_it_is_written() -> None:
    new = with_edge(replace(_EDGE, settings=EdgeSettings(block_bytes=2 << 20)))
    assert changes_between(_OLD, new) == [
        Change("edges[e].settings.block_bytes", "1MiB", "2MiB", RESTART)
    ]


def test_what_a_process_takes_over_is_a_reload() -> None:
    new = with_edge(replace(_EDGE, settings=EdgeSettings(caching=Caching("rfc"))))
    assert changes_between(_OLD, new) == [
        Change("edges[e].settings.caching.profile", "cdn", "rfc", RELOAD)
    ]


def test_what_stands_inside_a_setting_with_restart_takes_one() -> None:
    origin = OriginNode("o", Address("127.0.0.1", 1), "/d")
    packed = replace(origin, packaging=replace(origin.packaging, jobs_max=2))
    (change,) = changes_between(Topology(origins=(origin,)), Topology(origins=(packed,)))
    assert (change.path, change.applies) == ("origins[o].packaging.jobs_max", RESTART)


def test_elements_are_known_by_name_and_come_and_go() -> None:
    other = replace(_EDGE, name="f", listen=Address("127.0.0.1", 9002))
    changes = changes_between(_OLD, replace(_OLD, edges=(other,)))
    assert changes == [
        Change("edges[e]", "there", "", STOP),
        Change("edges[f]", "", "there", START),
    ]
    moved = with_edge(replace(_EDGE, disks=(CacheDisk("/d"), CacheDisk("/c"))))
    assert changes_between(_OLD, moved) == [Change("edges[e].disks[/d]", "", "there", RESTART)]


def test_a_section_that_comes_is_one_change() -> None:
    new = replace(_OLD, routes=(Route(pacing=Pacing()),))
    assert changes_between(_OLD, new) == [Change("routes[/].pacing", "", "there", RELOAD)]


def test_the_order_of_keys_is_a_change() -> None:
    keys = (TokenKey("a", "x" * 16), TokenKey("b", "y" * 16))
    old, new = replace(_OLD, token_keys=keys), replace(_OLD, token_keys=keys[::-1])
    assert changes_between(old, new) == [Change("token_keys (order)", "a, b", "b, a", RELOAD)]


def test_no_change_shows_a_secret() -> None:
    old = replace(_OLD, token_keys=(TokenKey("a", "hush-hush-hush-one"),))
    new = replace(_OLD, token_keys=(TokenKey("a", "hush-hush-hush-two"),))
    (change,) = changes_between(old, new)
    assert (change.path, change.applies) == ("token_keys[a].secret", RELOAD)
    assert "hush" not in repr(change)


def test_a_record_takes_what_the_strictest_of_its_settings_does() -> None:
    assert requirement_of(Volume) == RESTART
    assert requirement_of(Route) == RELOAD


def test_a_running_process_takes_over_all_but_what_takes_a_restart() -> None:
    new = replace(
        _EDGE,
        site="iad",
        workers=4,
        disks=(CacheDisk("/d"),),
        settings=EdgeSettings(block_bytes=2 << 20, idle_timeout_seconds=5),
    )
    taken = taken_over(_EDGE, new)
    assert (taken.site, taken.workers, taken.disks) == ("iad", 1, _EDGE.disks)
    assert taken.settings == EdgeSettings(idle_timeout_seconds=5)
    assert left_as_it_was(_EDGE, new) == [
        *("disks[/c]", "disks[/d]", "workers", "settings.block_bytes"),
    ]
    assert left_as_it_was(taken, _EDGE) == []
