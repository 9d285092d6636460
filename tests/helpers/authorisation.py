"""Who may ask what: every declared operation of an application, asked by everybody.

A domain joins by being mounted: what its operations want is read from their declarations. What
declarations cannot tell, a test says: which operations anybody may ask (`OPEN` of its own), and the
things of somebody else, which are not there for others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import ClientSession, web

from cdnkit.service.auth import ADMIN_SCOPE
from cdnkit.service.openapi import declared_operations
from cdnkit.service.operations import Operation
from cdnkit.service.viewers import SCOPES, Role
from origin.catalog.database import Database
from tests.helpers.people import Answer, Person, join, sign_in

_AS_PATCH: Final = {"X_HTTP_Method_Override": "PATCH"}
"""A POST to an upload stands for another method, or is refused whoever asks."""
_REFUSALS: Final = frozenset({"unauthorized", "forbidden", "profile-needed"})


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation of an application."""

    method: str
    path: str
    declared: Operation

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of somebody else: how it would be asked for."""

    method: str
    path: str
    body: Any = None


@dataclass(slots=True)
class Caller:
    """Somebody who asks; without a role, nobody."""

    name: str
    person: Person
    role: Role | None = None
    has_profile: bool = False

    async def come_back(self) -> None:
        """Sign in again where the last answer signed out."""
        again = await sign_in(self.person.client, self.person.email)
        self.person.access, self.person.refresh = again.access, again.refresh
        if self.has_profile:
            assert (await self.person.choose(self.person.profile)).status == 200


def operations_of(app: web.Application, tags: Collection[str] = ()) -> Sequence[Asked]:
    """The declared operations, of some tags alone when they are given."""
    return [
        Asked(method, path, declared)
        for path, method, declared in declared_operations(app)
        if not tags or declared.tag in tags
    ]


def open_operations(operations: Iterable[Asked]) -> set[str]:
    """Those that anybody may ask."""
    return {
        str(each) for each in operations if not each.declared.scope and not each.declared.viewer
    }


async def everybody(client: ClientSession, database: Database) -> Sequence[Caller]:
    """Nobody, a viewer before and after choosing a profile, and one of each other role."""
    callers = [Caller("nobody", Person(client, ""))]
    for role in Role:
        for has_profile in (False, True) if role is Role.VIEWER else (True,):
            name = f"{role}-{'with' if has_profile else 'without'}-profile"
            email = f"{name}@matrix.example"
            person = await join(client, database, email, role, profile=has_profile)
            callers.append(Caller(name, person, role, has_profile))
    return callers


async def mistakes_of_roles(
    operations: Iterable[Asked], callers: Sequence[Caller], ids: dict[str, str]
) -> list[str]:
    """What was let in or kept out against the declarations; `ids` fill in paths by name.

    What has no id there is asked for as 1, which can be a number and a name.
    """
    found: list[str] = []
    for each in operations:
        if not each.declared.scope and not each.declared.viewer:
            continue
        path = re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], "1"), each.path)
        for caller in callers:
            fields = _AS_PATCH if "/uploads/" in path else {}
            body: Any = {} if each.declared.body else None
            answer = await caller.person.call(each.method, path, body, **fields)
            found += _mistakes(each, caller, answer)
            if caller.role is not None and each.method == "DELETE" and answer.status < 300:
                await caller.come_back()
    return found


async def mistakes_of_owners(things: Iterable[Thing], strangers: Sequence[Caller]) -> list[str]:
    """Things of somebody else that strangers were told anything of but that they are not there."""
    found = []
    for thing in things:
        for stranger in strangers:
            answer = await stranger.person.call(thing.method, thing.path, thing.body)
            if answer.status != 404:
                found.append(f"{thing.method} {thing.path} by {stranger.name}: {answer.status}")
    return found


def _mistakes(asked: Asked, caller: Caller, answer: Answer) -> Iterator[str]:
    wanted = _wanted(asked.declared, caller)
    told = answer.code if answer.status >= 400 else ""
    if asked.method == "HEAD":
        told = {401: "unauthorized", 403: "forbidden"}.get(answer.status, "")
    if (told if told in _REFUSALS else "") != wanted:
        yield f"{asked} by {caller.name}: {answer.status} {told}, not {wanted or 'let in'}"


def _wanted(declared: Operation, caller: Caller) -> str:
    """The code of the refusal that is due; empty when there is none."""
    if caller.role is None:
        return "unauthorized"
    if declared.scope:
        is_allowed = SCOPES[caller.role] & {declared.scope, ADMIN_SCOPE}
        return "" if is_allowed else "forbidden"
    return "profile-needed" if declared.profile and not caller.has_profile else ""
