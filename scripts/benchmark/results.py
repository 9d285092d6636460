"""Everything one run of the benchmark found, as a record and as JSON. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from scripts.benchmark.figures import Run, Runs, median_of


@dataclass(slots=True)
class Results:
    """Runs by measure and server, with all that is needed to judge them."""

    command: str
    at: str
    commit: str
    machine: dict[str, Any]
    settings: dict[str, Any]
    load_average: list[float] = field(default_factory=list)
    seconds: float = 0.0
    runs: dict[str, Runs] = field(default_factory=dict)
    memory_mib: dict[str, float] = field(default_factory=dict)

    def add(self, measure: str, server: str, run: Run) -> None:
        """Keep one run."""
        rounded = {name: float(f"{value:.6g}") for name, value in run.items()}
        self.runs.setdefault(measure, {}).setdefault(server, []).append(rounded)

    def median(self, measure: str, server: str, figure: str) -> float | None:
        """The median of a figure over the rounds."""
        return median_of(self.runs.get(measure, {}).get(server, ()), figure)

    def errors(self) -> dict[str, int]:
        """Wrong or missing answers by 'measure server', where there were any."""
        found = {
            f"{measure} {server}": int(sum(run.get("errors", 0) for run in runs))
            for measure, servers in self.runs.items()
            for server, runs in servers.items()
        }
        return {name: count for name, count in found.items() if count}

    def servers(self) -> list[str]:
        """Every server measured, in the order of first use."""
        return list(dict.fromkeys(name for runs in self.runs.values() for name in runs))

    def as_json(self) -> str:
        """One object; each run of a server on a line of its own."""
        head = {
            "command": self.command,
            "at": self.at,
            "commit": self.commit,
            "machine": self.machine,
            "settings": self.settings,
            "load_average": self.load_average,
            "seconds": round(self.seconds, 1),
            "memory_mib": self.memory_mib,
        }
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
        measures = []
        for measure, servers in self.runs.items():
            inner = ",\n".join(
                f"      {json.dumps(server)}: {json.dumps(runs)}"
                for server, runs in servers.items()
            )
            measures.append(f"    {json.dumps(measure)}: {{\n{inner}\n    }}")
        lines.append('  "runs": {\n' + ",\n".join(measures) + "\n  }")
        return "{\n" + ",\n".join(lines) + "\n}\n"
