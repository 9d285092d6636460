"""`python -m origin --topology FILE --name NAME`: one origin of a topology, without the command."""

from __future__ import annotations

import argparse
import os
import sys

from config.complaints import TopologyError
from config.load import load_topology
from origin.app import run_origin


def main(arguments: list[str]) -> int:
    """Read the topology, run the origin it names; the exit status of the process."""
    parser = argparse.ArgumentParser(prog="python -m origin", description="Run one origin.")
    parser.add_argument("--topology", required=True, help="YAML file that describes all nodes")
    parser.add_argument("--name", required=True, help="name of the origin in that file")
    options = parser.parse_args(arguments)
    try:
        topology = load_topology(options.topology, os.environ)
    except TopologyError as error:
        print(error, file=sys.stderr)
        return 2
    node = next((node for node in topology.origins if node.name == options.name), None)
    if node is None:
        known = ", ".join(node.name for node in topology.origins) or "none"
        print(
            f"no origin {options.name!r} in {options.topology}; there are: {known}", file=sys.stderr
        )
        return 2
    return run_origin(node, topology, open_uploads=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
