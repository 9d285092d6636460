"""`cinedge doctor`: what is wrong with an installation, and how to mend it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from scripts.change.command import RUNNING
from scripts.cli.arguments import complete_nodes
from scripts.doctor.diagnosis import checked, judge
from scripts.doctor.examining import examine
from scripts.doctor.facts import Facts
from scripts.doctor.findings import Finding

_DESCRIPTION = """\
Looks at a topology file, at what stands on this machine (folders, disks, ports,
names, certificates, databases, limits) and at all running processes (answers,
clocks, versions, whether edges reach origins and routers reach edges), and says what
is wrong, why it matters and how to mend it. It changes nothing."""

_EPILOG = """\
examples:
  cinedge doctor                                the installation of `cinedge up`
  cinedge doctor --of topology.yaml
  cinedge doctor --of topology.yaml --here edge-fra --here edge-par
  cinedge doctor --of topology.yaml --json

Run it on each machine, as the user that runs the processes. Edges without a route that
is open to all are not asked whether they reach origins.
exit codes: 0 nothing is wrong (there may be advice), 1 something is, 2 wrong arguments."""


def add_parser(subparsers: Any) -> None:
    """Adds `doctor`."""
    parser = subparsers.add_parser(
        "doctor",
        help="find what is wrong with an installation, and how to mend it",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--of",
        metavar="FILE",
        type=Path,
        default=RUNNING,
        help="the topology (default: %(default)s)",
    )
    complete_nodes(
        parser.add_argument(
            "--here",
            metavar="NAME",
            action="append",
            default=[],
            help="a node of this machine; repeat (default: those whose address is this machine's)",
        )
    )
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Prints findings; 1 when one is grave. Raises UsageError."""
    facts = examine(args.of, os.environ, args.here)
    findings = judge(facts)
    if args.json:
        print(json.dumps(as_json(facts, findings), indent=2))
    else:
        _print(facts, findings, Console())
    return 1 if any(finding.grave for finding in findings) else 0


def as_json(facts: Facts, findings: Sequence[Finding]) -> dict[str, Any]:
    """All of it as plain values."""
    return {
        "well": not any(finding.grave for finding in findings),
        "topology": facts.file,
        "here": [node.name for node in facts.here],
        "checks": checked(),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }


def _print(facts: Facts, findings: Sequence[Finding], console: Console) -> None:
    for finding in findings:
        word, style = ("wrong ", "bold red") if finding.grave else ("advice", "yellow")
        head = Text.assemble((word, style), f"  {finding.check}: {finding.subject}: {finding.what}")
        console.print(head, soft_wrap=True)
        console.print(Text(f"        {finding.why}"), soft_wrap=True)
        console.print(Text(f"        {finding.mend}"), soft_wrap=True)
    here = ", ".join(node.name for node in facts.here) or "none"
    grave = sum(finding.grave for finding in findings)
    console.print(
        f"{len(checked())} checks; on this machine: {here}. {grave} wrong, "
        f"{len(findings) - grave} advice.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
