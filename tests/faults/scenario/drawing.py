"""A scenario drawn from a seed: the same seed gives the same scenario, always. Pure.

Weights say how often a fault is worth trying, not how often it happens to anybody.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final

from tests.faults.scenario.plan import (
    EDGES,
    EXTERNAL,
    ON_DISKS,
    ON_LINKS,
    ORIGIN,
    OTHER_ORIGIN,
    ROUTER,
    WORLD,
    Cast,
    Fault,
    Kind,
    Scenario,
    Shape,
    ends_of,
)

_WEIGHTS: Final = {
    Kind.KILL: 6,
    Kind.STOP: 3,
    Kind.RESTART: 2,
    Kind.CLOCK: 2,
    Kind.ROTATE: 1,
    Kind.DELAY: 2,
    Kind.BANDWIDTH: 2,
    Kind.STALL: 3,
    Kind.RESET: 4,
    Kind.HALF_OPEN: 2,
    Kind.FEED_CUT: 4,
    Kind.DISK_FULL: 2,
    Kind.DISK_BROKEN: 2,
}
_FAULTS_MAX: Final = 4
_SERVICE_SHARE: Final = 0.15
SECOND_FROM: Final = 1000
"""Seeds from here on draw more, by a second generator: those below mean what they always meant."""
_SECOND_SHARES: Final = {"tls": 0.3, "dns": 0.3, "slow disk": 0.4, "two origins": 0.12}
_SLOW_SECONDS: Final = (0.002, 0.03)
_LATEST_SHARE: Final = 0.7
"""No fault begins later than this share of a run: what it does has to be seen."""
_AMOUNTS: Final = {
    Kind.DELAY: (0.005, 0.3),
    Kind.BANDWIDTH: (200e3, 5e6),
    Kind.CLOCK: (-7200.0, 7200.0),
}


def draw_scenario(
    seed: int, seconds: float = 5.0, *, small_disks: bool = True, two_origins: bool = True
) -> Scenario:
    """The scenario of a seed.

    Without `small_disks` what it draws of full disks is left out, without `two_origins` the second
    origin with the database and the object store that it needs.
    """
    chance = Random(f"scenario {seed}")
    shape = Shape(
        workers=chance.choice((1, 1, 2)),
        peers=chance.random() < 0.3,
        copies=chance.choice((1, 2)),
        tokens=chance.random() < 0.25,
        max_age_seconds=chance.choice((0, 2, 3600, 3600)),
    )
    cast = Cast(players=chance.randint(4, 10), uploaders=chance.choice((1, 2, 2)))
    if Random(f"service {seed}").random() < _SERVICE_SHARE:
        shape, cast = replace(shape, service=True), replace(cast, viewers=2)
    drawn = [_fault(chance, shape, seconds) for _ in range(chance.randint(1, _FAULTS_MAX))]
    faults = sorted(
        (each for each in drawn if small_disks or each.kind is not Kind.DISK_FULL),
        key=lambda fault: fault.at_seconds,
    )
    drawn_first = Scenario(f"seed {seed}", seed, seconds, shape, cast, tuple(faults))
    return _more(drawn_first, two_origins) if seed >= SECOND_FROM else drawn_first


def _more(scenario: Scenario, two_origins: bool) -> Scenario:
    """The same with what the second generator draws."""
    chance = Random(f"second {scenario.seed}")
    drawn = {name: chance.random() < share for name, share in _SECOND_SHARES.items()}
    shape = replace(scenario.shape, tls=drawn["tls"], dns=drawn["dns"])
    faults = list(scenario.faults)
    if drawn["slow disk"]:
        faults.append(_slow_disk(chance, scenario.seconds))
    if drawn["two origins"] and two_origins:
        shape = replace(shape, origins=2, postgresql=True, objects=True, copies=1)
        faults = [_at_either(chance, each) for each in faults]
    if shape.tls:
        # Nobody can tell the change feed from the rest.
        faults = [
            replace(each, kind=Kind.RESET) if each.kind is Kind.FEED_CUT else each
            for each in faults
        ]
    faults.sort(key=lambda fault: fault.at_seconds)
    return replace(scenario, shape=shape, faults=tuple(faults))


def _slow_disk(chance: Random, seconds: float) -> Fault:
    return Fault(
        at_seconds=round(chance.uniform(0, _LATEST_SHARE * seconds), 2),
        kind=Kind.DISK_SLOW,
        target=chance.choice((ORIGIN, *EDGES)),
        for_seconds=round(chance.uniform(0.1, 0.4 * seconds), 2),
        amount=round(chance.uniform(*_SLOW_SECONDS), 3),
    )


def _at_either(chance: Random, fault: Fault) -> Fault:
    """What happens to an origin happens to the one or the other; disks are the first one's."""
    asker, asked = ends_of(fault.target)
    if chance.random() < 0.5 or fault.kind in ON_DISKS:
        return fault
    if asker == ORIGIN and not asked:
        return replace(fault, target=OTHER_ORIGIN)
    return replace(fault, target=f"{asker}>{OTHER_ORIGIN}") if asked == ORIGIN else fault


def _fault(chance: Random, shape: Shape, seconds: float) -> Fault:
    kind = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
    low, high = _AMOUNTS.get(kind, (0.0, 0.0))
    return Fault(
        at_seconds=round(chance.uniform(0, _LATEST_SHARE * seconds), 2),
        kind=kind,
        target=_target(chance, kind, shape),
        for_seconds=round(chance.uniform(0.1, 0.4 * seconds), 2),
        amount=round(chance.uniform(low, high), 3),
    )


def _target(chance: Random, kind: Kind, shape: Shape) -> str:
    edge = chance.choice(EDGES)
    if kind is Kind.FEED_CUT:
        return f"{edge}>{ORIGIN}"
    if kind in ON_LINKS:
        links = [f"{edge}>{ORIGIN}"] * 3
        links += [f"{edge}>{EXTERNAL}", f"{WORLD}>{edge}", f"{WORLD}>{ORIGIN}"]
        if shape.peers:
            links.append(f"{edge}>{chance.choice([each for each in EDGES if each != edge])}")
        return chance.choice(links)
    if kind is Kind.DISK_BROKEN:
        return edge
    if kind is Kind.DISK_FULL:
        return chance.choice((ORIGIN, edge))
    return chance.choice((ORIGIN, ROUTER, edge, edge, edge))
