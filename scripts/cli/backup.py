"""`cinedge backup`: copies of an origin while it runs, and an origin from a copy.

What a backup is, how it is made and how it comes back is for `scripts.backup`; this reads the
command line and says what was done.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from config.topology import OriginNode, Topology
from scripts.cli.arguments import complete_nodes, load_node
from scripts.cli.errors import FailedError

_DESCRIPTION: Final = """\
Backs up an origin while it runs: its catalog as it is at one moment, and every
byte that this catalog names. A folder holds many backups; bytes that an earlier
one has are not copied again. Run it on the origin's machine, as its user.

The bytes of an origin with an object store stay where they are: turn on the
bucket's versioning. Of PostgreSQL, pg_dump and pg_restore are used."""
_EPILOG: Final = """\
examples:
  cinedge backup make /backup/films --of /etc/cinedge/topology.yaml
  cinedge backup verify /backup/films
  cinedge backup prune /backup/films --keep 14
  cinedge backup restore /backup/films --of /etc/cinedge/topology.yaml --name origin-1

exit codes: 0 done, 1 failed, or bytes are missing, 2 wrong arguments or configuration."""

_ACTIONS: Final = {
    "make": "copy catalog and bytes of an origin that runs",
    "list": "the backups of a folder",
    "verify": "read a backup whole and compare every digest",
    "restore": "make an origin that has nothing what it was",
    "prune": "remove old backups, and bytes that none needs",
}


def add_parser(subparsers: Any) -> None:
    """Adds `backup`."""
    parser = subparsers.add_parser(
        "backup",
        help="back up an origin while it runs; restore one",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    parsers = {name: actions.add_parser(name, help=text) for name, text in _ACTIONS.items()}
    for each in parsers.values():
        each.add_argument("folder", metavar="FOLDER", type=Path, help="the folder of backups")
    for name in ("make", "restore"):
        parsers[name].add_argument(
            "--of", metavar="FILE", dest="topology", required=True, help="the topology file"
        )
        complete_nodes(
            parsers[name].add_argument("--name", help="which origin of the file, when several")
        )
    for name in ("verify", "restore"):
        parsers[name].add_argument(
            "--backup", metavar="NAME", help="which one, as `list` names it (default: the newest)"
        )
    for name in ("make", "list"):
        parsers[name].add_argument("--json", action="store_true", help="print it as JSON")
    parsers["prune"].add_argument(
        "--keep", metavar="N", type=_count, required=True, help="how many of the newest stay"
    )


def run(args: argparse.Namespace) -> int:
    """Does it and says what. Raises UsageError, FailedError, TopologyError, errors of cdnkit."""
    does: dict[str, Callable[[argparse.Namespace], int]] = {
        "make": _make,
        "list": _list,
        "verify": _verify,
        "restore": _restore,
        "prune": _prune,
    }
    try:
        return does[args.action](args)
    except OSError as error:
        raise FailedError(f"{error.filename or args.folder}: {error.strerror or error}") from error


def _make(args: argparse.Namespace) -> int:
    from scripts.backup.making import make_backup
    from scripts.backup.named import named_by

    node, topology = _origin(args)
    began = time.monotonic()
    made = make_backup(
        node, Path(args.topology), named_by(topology), args.folder, time.time(), _warn
    )
    manifest, seconds = made.manifest, round(time.monotonic() - began, 3)
    if args.json:
        told = {
            "backup": made.name,
            "objects": manifest.objects,
            "object_bytes": manifest.object_bytes,
            "copied_extents": made.copied_extents,
            "copied_bytes": made.copied_bytes,
            "lost": list(manifest.lost),
            "journal": manifest.journal,
            "seconds": seconds,
        }
        print(json.dumps(told))
    else:
        print(f"{made.name}: {manifest.objects} objects, {manifest.object_bytes} bytes")
        print(f"copied {made.copied_extents} extents, {made.copied_bytes} bytes, in {seconds:g} s")
        if not manifest.has_bytes:
            print("the bytes are in the object store, whose versioning keeps them")
    for key in manifest.lost:
        _warn(f"no volume has the bytes of {key}")
    return 1 if manifest.lost else 0


def _list(args: argparse.Namespace) -> int:
    from scripts.backup.folder import names_of, read_manifest

    found = {name: read_manifest(args.folder / name) for name in names_of(args.folder)}
    if args.json:
        rows = [
            {"backup": name, "origin": each.origin, "objects": each.objects,
             "object_bytes": each.object_bytes, "lost": len(each.lost)}
            for name, each in found.items()
        ]  # fmt: skip
        print(json.dumps(rows))
        return 0
    for name, each in found.items():
        lost = f", {len(each.lost)} lost" if each.lost else ""
        print(f"{name}  {each.origin}  {each.objects} objects, {each.object_bytes} bytes{lost}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from scripts.backup.folder import chosen, read_manifest
    from scripts.backup.verifying import faults_of

    backup = chosen(args.folder, args.backup)
    faults = 0
    for fault in faults_of(args.folder, backup):
        faults += 1
        _warn(fault)
    lost = read_manifest(backup).lost
    for key in lost:
        _warn(f"no volume had the bytes of {key} when the backup was made")
    print(f"{backup.name}: " + (f"{faults + len(lost)} faults" if faults or lost else "sound"))
    return 1 if faults or lost else 0


def _restore(args: argparse.Namespace) -> int:
    from scripts.backup.folder import chosen, kept, read_manifest
    from scripts.backup.restoring import ASIDE, restore_backup

    node, _ = _origin(args)
    with kept(args.folder):
        backup = chosen(args.folder, args.backup)
        restored = restore_backup(node, args.folder, backup, time.time())
    manifest = read_manifest(backup)
    print(f"{node.name} is as it was at {manifest.made_at}; start it")
    if manifest.has_bytes:
        print(f"{restored.objects} objects with their bytes")
    if restored.set_aside:
        print(
            f"{restored.set_aside} extents that are not in the backup were on the volumes; "
            f"they are in {ASIDE} there now, to be removed"
        )
    for name in manifest.variables:
        print(f"needs the environment variable {name}")
    for name in manifest.files:
        print(f"needs the file {name}")
    for key in restored.lost:
        _warn(f"the backup does not have the bytes of {key}: upload it again")
    return 1 if restored.lost else 0


def _prune(args: argparse.Namespace) -> int:
    from scripts.backup.folder import locked, prune

    with locked(args.folder):
        gone, freed_bytes = prune(args.folder, args.keep)
    print(f"{len(gone)} backups removed, {freed_bytes} bytes freed")
    return 0


def _origin(args: argparse.Namespace) -> tuple[OriginNode, Topology]:
    return load_node(args, "origin", lambda topology: topology.origins, os.environ)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def _warn(message: str) -> None:
    print(f"cinedge: {message}", file=sys.stderr)
