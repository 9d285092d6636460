"""A scenario: which processes run, who uses them, what breaks when, and what is expected. Pure.

Written as YAML, so that a run which found something can be kept as a file and told to others:

    name: a film is replaced while an edge does not hear of it
    seed: 7
    seconds: 5
    shape: {copies: 2, peers: false}
    cast: {players: 6, uploaders: 2, purgers: 1}
    faults:
      - {at_seconds: 1, kind: feed-cut, target: edge-a>origin, for_seconds: 2}

What is left out has its default. `parse_scenario` refuses what it does not know.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from typing import Any, Final, TypeVar

import yaml

EDGES: Final = ("edge-a", "edge-b", "edge-c")
ORIGIN: Final = "origin"
ROUTER: Final = "router"
OTHER_ORIGIN: Final = "origin-b"
"""On the database and the object store of the first, where the shape has two."""
ORIGINS: Final = (ORIGIN, OTHER_ORIGIN)
PROCESSES: Final = (*ORIGINS, ROUTER, *EDGES)
WORLD: Final = "world"
"""Whoever is no process of ours: players, uploaders, operators, and the router's probes."""
EXTERNAL: Final = "external"
"""An origin that is not ours and keeps no journal; edges pull one film from it."""
DATABASE: Final = "database"
OBJECTS: Final = "objects"
"""What an origin asks where the shape has it: PostgreSQL, and an object store with the extents."""

_Record = TypeVar("_Record")


class PlanError(ValueError):
    """The scenario makes no sense; the message says where."""


class Kind(enum.StrEnum):
    """What breaks."""

    KILL = "kill"
    """SIGKILL; started again after the time."""
    STOP = "stop"
    """SIGSTOP; SIGCONT after the time."""
    RESTART = "restart"
    """SIGTERM, and a new start once it has ended."""
    CLOCK = "clock"
    """The wall clock jumps by `amount` seconds, and back after the time."""
    ROTATE = "rotate"
    """A new key signs from now on, the old one is still believed; the target reads it anew."""
    DELAY = "delay"
    """Each byte is late by `amount` seconds."""
    BANDWIDTH = "bandwidth"
    """`amount` bytes per second."""
    STALL = "stall"
    """Nothing passes, nothing ends: a partition."""
    RESET = "reset"
    """Connections are reset, new ones too until the time is over."""
    HALF_OPEN = "half-open"
    """The upper side believes that the lower has gone; the lower waits for answers."""
    FEED_CUT = "feed-cut"
    """As reset, of the change feed alone."""
    DISK_FULL = "disk-full"
    """The file system of the target is full."""
    DISK_BROKEN = "disk-broken"
    """The cache directory of the target is no directory any more."""
    DISK_SLOW = "disk-slow"
    """Each call to the disk of the target takes `amount` seconds longer."""


ON_LINKS: Final = frozenset(
    {Kind.DELAY, Kind.BANDWIDTH, Kind.STALL, Kind.RESET, Kind.HALF_OPEN, Kind.FEED_CUT}
)
ON_DISKS: Final = frozenset({Kind.DISK_FULL, Kind.DISK_BROKEN, Kind.DISK_SLOW})


@dataclass(frozen=True, slots=True)
class Shape:
    """What is started. `peers`: the edges stand in one site and ask each other.

    `tls`: every listener takes TLS 1.3 and nothing else. `dns`: some ask the router's DNS for an
    edge. `origins`: one, or two on one database and one object store.
    """

    workers: int = 1
    peers: bool = False
    copies: int = 1
    tokens: bool = False
    service: bool = False
    postgresql: bool = False
    objects: bool = False
    tls: bool = False
    dns: bool = False
    origins: int = 1
    max_age_seconds: int = 3600


@dataclass(frozen=True, slots=True)
class Cast:
    """Who uses it: half of the players by way of the router. `viewers` send heartbeats."""

    players: int = 6
    uploaders: int = 2
    purgers: int = 1
    viewers: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks. `target`: a process, or a link `FROM>TO`."""

    at_seconds: float
    kind: Kind
    target: str
    for_seconds: float = 0.0
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Expectations:
    """How long what may be; the defaults are those of every scenario drawn by chance.

    `lag`: from an upload's receipt to the last old byte of an edge that hears its origin.
    `recover`: how long requests may still fail once what broke is whole again.
    `out`: how long a router may name an edge that is dead.
    `ready`: until everything works after the last fault.
    """

    lag_seconds: float = 2.0
    recover_seconds: float = 5.0
    out_seconds: float = 4.0
    ready_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of it. The same seed makes the same actors take the same decisions."""

    name: str
    seed: int = 0
    seconds: float = 5.0
    shape: Shape = field(default_factory=Shape)
    cast: Cast = field(default_factory=Cast)
    faults: tuple[Fault, ...] = ()
    expect: Expectations = field(default_factory=Expectations)


def parse_scenario(text: str) -> Scenario:
    """Read a scenario. Raises PlanError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PlanError(str(error)) from None
    faults = document.pop("faults", None) if isinstance(document, dict) else None
    made: Scenario = _read(Scenario, document, "scenario")
    read = [_read(Fault, each, f"faults[{at}]") for at, each in enumerate(faults or ())]
    for at, each in enumerate(read):
        _check_fault(each, f"faults[{at}]")
    for name, there in ((DATABASE, made.shape.postgresql), (OBJECTS, made.shape.objects)):
        if not there and any(ends_of(each.target)[1] == name for each in read):
            raise PlanError(f"scenario.shape: there is no {name} to break")
    _check_shape(made.shape, read)
    if made.cast.viewers and not (made.shape.service and made.cast.uploaders):
        raise PlanError("scenario.cast.viewers: they need shape.service and an uploader's film")
    return Scenario(**{**_shallow(made), "faults": tuple(read)})


def origins_of(shape: Shape) -> tuple[str, ...]:
    """The names of its origins."""
    return ORIGINS[: shape.origins]


def processes_of(shape: Shape) -> tuple[str, ...]:
    """The names of all its processes, as they are started."""
    return (*origins_of(shape), ROUTER, *EDGES)


def format_scenario(scenario: Scenario) -> str:
    """The YAML of a scenario, without what is at its default."""
    document = _trimmed(scenario)
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=100)


def links_of(scenario: Scenario) -> list[str]:
    """Links that something happens to, each once."""
    return sorted({each.target for each in scenario.faults if each.kind in ON_LINKS})


def ends_of(link: str) -> tuple[str, str]:
    """Who asks and who is asked on a link."""
    asker, _, asked = link.partition(">")
    return asker, asked


def _check_shape(shape: Shape, faults: Sequence[Fault]) -> None:
    if shape.origins not in (1, 2):
        raise PlanError("scenario.shape.origins: there are one or two")
    if shape.objects and shape.copies != 1:
        raise PlanError("scenario.shape.copies: an object store keeps its own")
    if shape.origins == 2 and not (shape.postgresql and shape.objects):
        raise PlanError("scenario.shape.origins: two need postgresql and objects")
    for each in faults:
        if OTHER_ORIGIN in (each.target, *ends_of(each.target)) and shape.origins == 1:
            raise PlanError(f"scenario.shape: there is no {OTHER_ORIGIN} to break")
        if each.kind is Kind.FEED_CUT and shape.tls:
            raise PlanError("scenario.shape.tls: nobody can tell the change feed from the rest")


def _check_fault(fault: Fault, where: str) -> None:
    if fault.kind in ON_LINKS:
        asker, asked = ends_of(fault.target)
        known = asker in (*EDGES, WORLD) and asked in (*PROCESSES, EXTERNAL)
        known = known or (asker in ORIGINS and asked in (DATABASE, OBJECTS))
        if not known or asker == asked or (asker, asked) == (WORLD, EXTERNAL):
            raise PlanError(f"{where}.target: {fault.target!r} is no link")
        if fault.kind is Kind.FEED_CUT and (asker not in EDGES or asked not in ORIGINS):
            raise PlanError(f"{where}.target: no edge follows the change feed by {fault.target!r}")
    elif fault.target not in PROCESSES:
        raise PlanError(f"{where}.target: {fault.target!r} is no process")
    if fault.kind in ON_DISKS and fault.target == ROUTER:
        raise PlanError(f"{where}.target: a router has no disk")
    if fault.kind is Kind.DISK_BROKEN and fault.target in ORIGINS:
        raise PlanError(f"{where}.target: only an edge can do without its directory")
    if fault.at_seconds < 0 or fault.for_seconds < 0:
        raise PlanError(f"{where}: times are not below zero")


def _read(record: type[_Record], value: object, where: str) -> _Record:
    """A record from a mapping; sections are records in turn."""
    if not isinstance(value, Mapping):
        raise PlanError(f"{where}: expected a mapping, not {value!r}")
    known = {each.name: each for each in fields(record)}  # type: ignore[arg-type]
    if unknown := value.keys() - known.keys():
        raise PlanError(f"{where}: there is no {', '.join(map(repr, sorted(map(str, unknown))))}")
    read: dict[str, Any] = {}
    for name, each in known.items():
        if name in value:
            read[name] = _read_field(str(each.type), value[name], f"{where}.{name}")
        elif each.default is MISSING and each.default_factory is MISSING:
            raise PlanError(f"{where}: {name} is missing")
    return record(**read)


_SECTIONS: Final[Mapping[str, type[Any]]] = {
    "Shape": Shape,
    "Cast": Cast,
    "Expectations": Expectations,
}
_SCALARS: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}


def _read_field(kind: str, value: object, where: str) -> Any:
    if kind in _SECTIONS:
        return _read(_SECTIONS[kind], value, where)
    if kind == "Kind":
        if value not in set(Kind):
            raise PlanError(f"{where}: {value!r} is none of {', '.join(Kind)}")
        return Kind(str(value))
    right = isinstance(value, _SCALARS[kind]) and (kind == "bool" or not isinstance(value, bool))
    if not right:
        raise PlanError(f"{where}: expected {kind}, not {value!r}")
    return float(value) if kind == "float" else value  # type: ignore[arg-type]


def _shallow(record: Any) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _trimmed(record: Any) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        if value != default:
            kept[each.name] = _plain(value)
    return kept


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Fault):
        return {name: _plain(each) for name, each in _trimmed(value).items()}
    if is_dataclass(value) and not isinstance(value, type):
        return _trimmed(value) or asdict(value)
    return str(value) if isinstance(value, Kind) else value
