"""`cinedge account add` makes the first admin, by password or link, and gives roles later."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdnkit.service.viewers import Role
from config.service import Service
from config.topology import Address, OriginNode
from origin.catalog.database import open_database, parse_database_url
from origin.domains.accounts import queries
from origin.domains.accounts.records import Account
from origin.domains.accounts.refusals import BadPasswordError
from scripts.cli import account
from scripts.cli.errors import FailedError, UsageError
from tests.helpers.people import CHEAP

SERVICE = Service(url="https://films.example", accounts=CHEAP)


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    account.add_parser(parser.add_subparsers())
    return parser.parse_args(["account", "add", "Anna@a.org", "--topology", "t.yaml", *words])


def node(folder: Path) -> OriginNode:
    return OriginNode(name="origin-1", listen=Address("127.0.0.1", 0), data=str(folder))


def typing(*words: str) -> account.AskPassword:
    typed: Iterator[str] = iter(words)
    return lambda prompt: next(typed)


async def kept(folder: Path) -> Account | None:
    database = await open_database(parse_database_url("", folder))
    async with database.reading() as connection:
        found = await queries.find_address(connection, "anna@a.org")
    await database.close()
    return found


async def test_first_admin_is_made_and_given_another_role(tmp_path: Path) -> None:
    ask = typing("correct horse", "correct horse")
    said = await account.add(asked("--role", "admin"), node(tmp_path), SERVICE, ask)
    assert said == "Anna@a.org is admin"
    found = await kept(tmp_path)
    assert found is not None
    assert (found.role, found.email) == (Role.ADMIN, "Anna@a.org")
    assert found.password_hash.startswith("$argon2id$")
    said = await account.add(asked("--role", "operator"), node(tmp_path), SERVICE, typing())
    assert said == "Anna@a.org is now operator"
    found = await kept(tmp_path)
    assert found is not None
    assert found.role is Role.OPERATOR


async def test_link_is_printed_when_asked_for(tmp_path: Path) -> None:
    said = await account.add(asked("--link"), node(tmp_path), SERVICE, typing())
    assert "chosen at https://films.example/#/reset?token=" in said
    found = await kept(tmp_path)
    assert found is not None
    assert found.password_hash == ""


async def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="differ"):
        await account.add(asked(), node(tmp_path), SERVICE, typing("correct horse", "other"))
    with pytest.raises(UsageError, match="--link"):
        await account.add(asked(), node(tmp_path), SERVICE, typing(""))
    with pytest.raises(BadPasswordError):
        await account.add(asked(), node(tmp_path), SERVICE, typing("short", "short"))
    with pytest.raises(FailedError, match="is not there"):
        await account.add(asked(), node(tmp_path / "away"), SERVICE, typing())


def test_topology_without_a_service_has_no_accounts(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("origins: [{name: o, listen: '127.0.0.1:8000', data: data}]\n")
    args = asked()
    args.topology = str(file)
    with pytest.raises(UsageError, match="no section 'service'"):
        account.run(args)
