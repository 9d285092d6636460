"""HDFS and Spark on this machine for one run of `cinedge recommend`, and gone after it.

python -m scripts.hadoop --catalog sqlite:///catalog.sqlite
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from cdnkit.errors import UnavailableError
from scripts.cli.main import main as cinedge
from scripts.hadoop.cluster import hdfs_cluster


def main() -> int:
    """Starts both, recommends, stops; the exit code is that of `cinedge recommend`."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--catalog", metavar="URL", required=True)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cinedge-hdfs-") as root:
        try:
            with hdfs_cluster(Path(root)) as cluster:
                words = ["--catalog", args.catalog, "--into", f"{cluster.url}/batch"]
                words += ["--engine", "spark", *(["--json"] if args.json else [])]
                return cinedge(["recommend", *words])
        except UnavailableError as error:
            print(error.detail, file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
