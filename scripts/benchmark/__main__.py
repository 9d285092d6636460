"""`python -m scripts.benchmark`, which is what `scripts/bench` runs."""

from __future__ import annotations

import sys

from scripts.benchmark.command import main
from scripts.benchmark.routing import add_routing

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], add_routing))
