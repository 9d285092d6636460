"""`cinedge topology`: check a file, compare two, print what is derived from the declarations."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.resources import files
from typing import Any, Final

from config.example import topology_example
from config.load import load_topology
from config.monitoring.dashboard import dashboard
from config.monitoring.scraping import scraping
from config.reference import settings_reference
from config.schema import topology_schema
from config.topology import Topology
from scripts.change.command import add_actions

_EXPORTS: Final = ("gdnsd", "powerdns", "prometheus", "alerts", "grafana")
_DESCRIPTION = """\
A topology is one YAML file that says who exists (sites, origins, edges, routers),
where, and with which settings."""

_EPILOG = """\
examples:
  cinedge topology example > topology.yaml       every setting, with its sentence
  cinedge topology validate topology.yaml        all mistakes, with line and fix
  cinedge topology plan new.yaml --of topology.yaml   what would happen, step by step
  cinedge topology apply new.yaml --of topology.yaml  make it happen, or take it all back
  cinedge topology rollback --of topology.yaml        what was true before
  cinedge topology schema > topology.schema.json for editors that complete YAML
  cinedge topology reference                     all settings as a Markdown page
  cinedge topology export prometheus topology.yaml > prometheus.yaml

validate resolves secret_env as a start would: set those variables first."""


def add_parser(subparsers: Any) -> None:
    """Adds `topology`."""
    parser = subparsers.add_parser(
        "topology",
        help="check a topology file; plan, apply, take back a change",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    validate = actions.add_parser("validate", help="report every mistake of a file; exit 2 if any")
    validate.add_argument("file", metavar="FILE", help="the topology")
    actions.add_parser("schema", help="print the JSON Schema")
    actions.add_parser("example", help="print an example with every setting")
    actions.add_parser("reference", help="print the page of all settings")
    add_actions(actions)
    export = actions.add_parser(
        "export", help="print configuration for another name server, or for what watches"
    )
    export.add_argument("kind", choices=_EXPORTS, help="for which program")
    export.add_argument("file", metavar="FILE", help="the topology")


def run(args: argparse.Namespace) -> int:
    """Prints to standard output. Raises TopologyError."""
    if "act" in args:
        return int(args.act(args))
    if args.action == "validate":
        topology = load_topology(args.file, os.environ)
        counts = ", ".join(
            f"{name} {len(getattr(topology, name))}"
            for name in ("sites", "origins", "edges", "routers", "routes")
        )
        print(f"OK {args.file}: {counts}")
    elif args.action == "export":
        sys.stdout.write(_exported(load_topology(args.file, os.environ), args.kind))
    else:
        sys.stdout.write(text_of(args.action))
    sys.stdout.flush()
    return 0


def _exported(topology: Topology, kind: str) -> str:
    if kind == "grafana":
        return dashboard()
    if kind == "prometheus":
        return scraping(topology)
    if kind == "alerts":
        return (files("config.monitoring") / "alerts.yaml").read_text()
    from geo_router.export import export

    return export(topology, kind)


def text_of(action: str) -> str:
    """What `schema`, `example` or `reference` print."""
    if action == "schema":
        return json.dumps(topology_schema(), indent=2, ensure_ascii=False) + "\n"
    return topology_example() if action == "example" else settings_reference()
