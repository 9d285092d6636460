"""`cinedge capacity`: what serving a demand takes, and what it costs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from config.complaints import did_you_mean
from config.load import load_topology
from config.topology import Topology
from scripts.capacity.cache import Cache
from scripts.capacity.demand import Demand, Server, demand_example
from scripts.capacity.demand_file import load_demand, parse_demand
from scripts.capacity.drawing import draw
from scripts.capacity.hits import Measured
from scripts.capacity.places import Layout, planned, standing
from scripts.capacity.reckoning import Capacity, reckon, sweep
from scripts.capacity.show import as_json, print_choices, print_curve, print_sites, print_steps
from scripts.cli.errors import FailedError, UsageError

_HELD_SHARES: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.85, 1)

_DESCRIPTION = """\
Turns a demand (peak bytes a second, catalogue, popularity) and kinds of servers
into servers, disks, links, hit ratio, origin traffic and cost, with the arithmetic
line by line, and draws cost against hit ratio for caches of every size. With a
topology it says what the edges that stand there come to instead."""

_EPILOG = """\
examples:
  cinedge capacity                                 30 TB/s over 200 TB, as in --example
  cinedge capacity --example > demand.yaml         then edit, then
  cinedge capacity --demand demand.yaml --svg cost.svg
  cinedge capacity --demand demand.yaml --topology topology.yaml
  cinedge simulate --trace day.csv --policy lru --size 1%,5%,20% --json > lru.json
  cinedge capacity --demand demand.yaml --simulated lru.json

Hit ratios follow from the popularity (Che's approximation for lru and fifo), or are
those that `cinedge simulate` measured. Exit code 1: a site of the topology has fewer
edges than its peak needs."""


def add_parser(subparsers: Any) -> None:
    """Adds `capacity`."""
    parser = subparsers.add_parser(
        "capacity",
        help="turn a demand into servers, disks, links and cost",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--demand", metavar="FILE", type=Path, help="what viewers want (default: the example)"
    )
    parser.add_argument("--example", action="store_true", help="print a demand file, and end")
    parser.add_argument("--topology", metavar="FILE", help="reckon with the edges of this topology")
    parser.add_argument("--server", metavar="NAME", help="this kind only (default: the cheapest)")
    parser.add_argument(
        "--simulated", metavar="FILE", type=Path, help="hit ratios that simulate --json measured"
    )
    parser.add_argument("--svg", metavar="FILE", type=Path, help="draw cost against hit ratio here")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints tables, arithmetic and curve. Raises UsageError, TopologyError, FailedError."""
    if args.example:
        sys.stdout.write(demand_example())
        return 0
    demand = load_demand(args.demand) if args.demand else parse_demand(demand_example())
    topology = load_topology(args.topology, os.environ) if args.topology else None
    measured = read_measured(args.simulated) if args.simulated else None
    cache = Cache(demand.catalogue, demand.policy, measured)
    kinds = [_named(demand, args.server)] if args.server else list(demand.servers)
    layouts = {kind.name: _layout(demand, topology, kind) for kind in kinds}
    if measured is not None and any(any(each.shield_bytes.values()) for each in layouts.values()):
        raise UsageError("--simulated says nothing of what shields are asked for: leave them out")
    choices = [reckon(demand, layouts[kind.name], kind, cache) for kind in kinds]
    chosen = min(choices, key=lambda each: (each.cost.total, each.servers))
    kind = next(each for each in kinds if each.name == chosen.server)
    points = sweep(demand, layouts[kind.name], kind, cache, _HELD_SHARES)
    if args.svg:
        _write(args.svg, draw(points, f"Cost against hit ratio, {kind.name}"))
    if args.json:
        print(json.dumps(as_json(choices, chosen, points), indent=2))
    else:
        _print(choices, chosen, points, Console())
    return 1 if any(site.servers < site.servers_needed for site in chosen.sites) else 0


def read_measured(path: Path) -> Measured:
    """The one policy of a result of `cinedge simulate --json`. Raises UsageError, FailedError."""
    try:
        results = json.loads(path.read_bytes())["results"]
        points = sorted((each["fraction"], 1 - each["byte_miss_ratio"]) for each in results)
        policies = sorted({str(each["policy"]) for each in results})
    except OSError as error:
        raise FailedError(f"{path}: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path} is not what `cinedge simulate --json` prints") from error
    if len(policies) != 1:
        raise UsageError(f"{path} has {', '.join(policies) or 'no policy'}: simulate one")
    # A larger cache may miss more in a simulation by chance; a curve that falls would mislead.
    best, rising = 0.0, []
    for share, ratio in points:
        best = max(best, ratio)
        rising.append((share, best))
    return Measured(tuple(rising))


def _layout(demand: Demand, topology: Topology | None, kind: Server) -> Layout:
    return planned(demand) if topology is None else standing(demand, topology, kind)


def _named(demand: Demand, name: str) -> Server:
    kinds = {kind.name: kind for kind in demand.servers}
    if name not in kinds:
        raise UsageError(f"no kind of server is called {name!r}; {did_you_mean(name, kinds)}")
    return kinds[name]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise FailedError(f"{path}: {error.strerror or error}") from error


def _print(
    choices: Sequence[Capacity], chosen: Capacity, points: Sequence[Capacity], console: Console
) -> None:
    print_choices(choices, chosen, console)
    print_sites(chosen, console)
    print_steps(chosen, console)
    print_curve(points, console)
