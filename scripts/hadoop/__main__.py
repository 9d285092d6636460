"""HDFS and Spark on this machine for one run of `cinedge recommend`, and gone after it.

python -m scripts.hadoop --catalog sqlite:///catalog.sqlite
python -m scripts.hadoop --catalog sqlite:///catalog.sqlite --compare    also by DuckDB: the same?
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from cdnkit.errors import CinedgeError
from origin.batch.destination import open_destination
from origin.catalog import recommended
from origin.catalog.database import open_database, parse_database_url
from scripts.cli.main import main as cinedge
from scripts.hadoop.cluster import hdfs_cluster
from scripts.hadoop.comparing import differing_owners


def main() -> int:
    """Starts both, recommends, stops; the exit code is that of `cinedge recommend`."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--catalog", metavar="URL", required=True)
    parser.add_argument("--compare", action="store_true", help="fail unless DuckDB finds the same")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cinedge-hdfs-") as root:
        try:
            with hdfs_cluster(Path(root)) as cluster:
                place = f"{cluster.url}/batch"
                words = ["--catalog", args.catalog, "--into", place]
                words += ["--engine", "spark", *(["--json"] if args.json else [])]
                code = cinedge(["recommend", *words])
                if code == 0 and args.compare:
                    return asyncio.run(_compare(args.catalog, place, as_json=args.json))
                return code
        except CinedgeError as error:
            print(error.detail, file=sys.stderr)
            return 1


async def _compare(catalog: str, place: str, *, as_json: bool) -> int:
    """Compare what is shown now with what DuckDB makes of the same snapshot."""
    database = await open_database(parse_database_url(catalog, Path()))
    try:
        async with database.reading() as connection:
            run = (await recommended.promoted(connection)).get(recommended.CONTROL, "")
        count, differing = await differing_owners(database, open_destination(place), run)
    finally:
        await database.close()
    if as_json:
        print(json.dumps({"compared": count, "differing": differing}))
    else:
        print(f"{count:,} lists compared with DuckDB's, {len(differing):,} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
