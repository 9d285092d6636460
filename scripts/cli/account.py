"""`cinedge account`: accounts of the film service, made on the database of a topology's origin.

How the first admin comes to be: no request can give a role before there is one.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.service import Service
from config.topology import OriginNode
from scripts.cli.arguments import load_node
from scripts.cli.errors import FailedError, UsageError

_ROLES = ("viewer", "integrator", "operator", "admin")

_DESCRIPTION = """\
Makes an account whose address needs no verification, or gives an account that is
there another role. Works on the database that the topology names, whether or not
origins are running on it."""

_EPILOG = """\
examples:
  cinedge account add --role admin anna@films.example --topology topology.yaml
  cinedge account add --role operator ben@films.example --link --topology topology.yaml

A new account's password is asked for, or chosen by who follows the printed link.
roles: viewer; integrator (may upload), operator (may purge and operate), admin."""

AskPassword = Callable[[str], str]


def add_parser(subparsers: Any) -> None:
    """Adds `account`."""
    parser = subparsers.add_parser(
        "account",
        help="make an account of the film service, or give one a role",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    add = actions.add_parser("add", help="make an account, or give one a role")
    add.add_argument("email", metavar="EMAIL", help="the address to sign in with")
    add.add_argument("--role", choices=_ROLES, default="viewer", help="(default: viewer)")
    add.add_argument("--link", action="store_true", help="print a link instead of asking")
    add.add_argument("--topology", metavar="FILE", required=True, help="with a service section")
    add.add_argument("--name", help="which origin of the file, when there are several databases")


def run(args: argparse.Namespace) -> int:
    """Does it and says what. Raises UsageError, FailedError, TopologyError."""
    node, topology = load_node(args, "origin", lambda topology: topology.origins, os.environ)
    if topology.service is None:
        raise UsageError(f"{args.topology} has no section 'service', so there are no accounts")
    print(asyncio.run(add(args, node, topology.service, getpass.getpass)))
    return 0


async def add(
    args: argparse.Namespace, node: OriginNode, service: Service, ask: AskPassword
) -> str:
    """What was done, in a sentence. Raises FailedError, and what the domain raises."""
    from cdnkit.service.viewers import Role
    from origin.catalog.database import open_database, parse_database_url
    from origin.domains.accounts import operating
    from origin.domains.accounts.app import make_ground

    database = await open_database(parse_database_url(node.database, _data_of(node)))
    try:
        site_url = (service.url or node.url or f"http://{node.listen}").rstrip("/")
        ground = make_ground(service.accounts, database, site_url, lambda _: "", time.time)
        role = Role(args.role)
        if await operating.has_account(ground, args.email):
            await operating.give_role(ground, args.email, role)
            return f"{args.email} is now {role}"
        password = "" if args.link else _ask_twice(ask)
        link = await operating.add_account(ground, args.email, role, password)
    finally:
        await database.close()
    return f"{args.email} is {role}" + (f"; the password is chosen at {link}" if link else "")


def _data_of(node: OriginNode) -> Path:
    data = Path(node.data)
    if not data.is_dir():
        raise FailedError(f"{data} is not there: start the origin once, or run this where it runs")
    return data


def _ask_twice(ask: AskPassword) -> str:
    password = ask("Password: ")
    if not password:
        raise UsageError("without a password, give --link")
    if ask("Once more: ") != password:
        raise UsageError("the two passwords differ")
    return password
