"""Checks on where processes listen and where they keep files: no two may claim the same.

Nothing is looked up. A process stands on the machine its listening host names, or, on a wildcard,
on the one its URL names; a wildcard without a URL may stand anywhere, hence beside any other.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import PurePath
from typing import Final
from urllib.parse import urlsplit

from config.findings import Check, Finding
from config.topology import Address, EdgeNode, RouterNode, Topology

_ANYWHERE: Final = ""
_LOOPBACK: Final = "loopback"


@dataclass(frozen=True, slots=True)
class _Claim:
    path: str
    machine: str
    address: Address


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    owner: str
    machine: str
    folder: PurePath


def is_loopback(host: str) -> bool:
    """The host can only be reached from its own machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable(address: Address, url: str) -> Address:
    """Where others reach who listens on `address`: a wildcard's host is that of its `url`."""
    if not is_wildcard(address.host):
        return address
    return Address(urlsplit(url).hostname or address.host, address.port)


def admin_url(edge: EdgeNode) -> str:
    """Base URL of an edge's admin address; empty when it has none."""
    if edge.admin is None:
        return ""
    scheme = "http" if edge.admin_tls is None else "https"
    return f"{scheme}://{reachable(edge.admin, edge.url)}"


def is_wildcard(host: str) -> bool:
    """The host stands for all addresses of its machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _machine(host: str, url: str) -> str:
    if is_wildcard(host):
        host = urlsplit(url).hostname or _ANYWHERE
    return _LOOPBACK if is_loopback(host) else host


def _same_machine(one: str, other: str) -> bool:
    return one == other or _ANYWHERE in {one, other}


def _claims(topology: Topology) -> Iterator[_Claim]:
    for path, node in topology.nodes():
        yield _Claim(f"{path}.listen", _machine(node.listen.host, node.url), node.listen)
    for number, edge in enumerate(topology.edges):
        if edge.admin is not None:
            machine = _machine(edge.admin.host, edge.url)
            yield _Claim(f"edges[{number}].admin", machine, edge.admin)


def _collide(one: _Claim, other: _Claim) -> bool:
    a, b = one.address, other.address
    if not a.host or not b.host or a.port != b.port or a.port == 0:
        return False
    if a.host == b.host and not is_wildcard(a.host):
        return True
    return (is_wildcard(a.host) or is_wildcard(b.host)) and _same_machine(
        one.machine, other.machine
    )


def listeners_do_not_collide(topology: Topology) -> Iterator[Finding]:
    """No two processes of one machine listen on the same port."""
    by_port: dict[int, list[_Claim]] = {}
    for claim in _claims(topology):
        by_port.setdefault(claim.address.port, []).append(claim)
    for claims in by_port.values():
        for one, other in combinations(claims, 2):
            if _collide(one, other):
                message = f"{other.address} is already taken by {one.path} ({one.address})"
                yield Finding(other.path, message, "choose another port")


def reachable_addresses(topology: Topology) -> Iterator[Finding]:
    """A process that others must reach has a URL, or an address a URL can be made from."""
    for path, node in topology.nodes():
        listen = node.listen
        unclear = is_wildcard(listen.host) or (listen.port == 0 and listen.host)
        if unclear and not node.url and not isinstance(node, RouterNode):
            message = f"missing; nobody can be sent to {listen}"
            yield Finding(f"{path}.url", message, "say how others reach this process")


def _folders(topology: Topology) -> Iterator[_Folder]:
    for number, origin in enumerate(topology.origins):
        path, machine = f"origins[{number}]", _machine(origin.listen.host, origin.url)
        yield _Folder(f"{path}.data", path, machine, PurePath(origin.data))
        for place, volume in enumerate(origin.volumes):
            where = f"{path}.volumes[{place}].path"
            yield _Folder(where, path, machine, PurePath(volume.path))
    for number, edge in enumerate(topology.edges):
        path, machine = f"edges[{number}]", _machine(edge.listen.host, edge.url)
        for place, disk in enumerate(edge.disks):
            yield _Folder(f"{path}.disks[{place}].path", path, machine, PurePath(disk.path))


def _overlap(one: _Folder, other: _Folder) -> bool:
    if one.owner == other.owner and one.path.endswith(".data"):
        # An origin may keep its volumes under its data directory, but not be one of them.
        return other.folder == one.folder or one.folder.is_relative_to(other.folder)
    return one.folder.is_relative_to(other.folder) or other.folder.is_relative_to(one.folder)


def directories_do_not_overlap(topology: Topology) -> Iterator[Finding]:
    """No two directories of one machine are the same or one inside the other."""
    kept: dict[str, list[_Folder]] = {}
    for folder in _folders(topology):
        beside = [
            other
            for machine, others in kept.items()
            if _same_machine(folder.machine, machine)
            for other in others
        ]
        other = next((other for other in beside if _overlap(other, folder)), None)
        if other is not None:
            message = f"{str(folder.folder)!r} overlaps {other.path} ({str(other.folder)!r})"
            yield Finding(folder.path, message, "give each its own directory")
        kept.setdefault(folder.machine, []).append(folder)


CHECKS: Final[tuple[Check, ...]] = (
    listeners_do_not_collide,
    reachable_addresses,
    directories_do_not_overlap,
)
