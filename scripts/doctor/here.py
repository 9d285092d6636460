"""Finding out what this machine says of the nodes that stand on it. Changes nothing."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from config.check_addresses import is_wildcard
from config.topology import Address, EdgeNode, Node, OriginNode, RouterNode, Topology
from scripts.doctor.facts import Folder, Machine, Name, Port, Server

_CONNECT_SECONDS: Final = 3.0
_STRIPE: Final = "https://api.stripe.com"
_PROC: Final = Path("/proc/sys/net")


def nodes_here(topology: Topology, names: Iterable[str] = ()) -> tuple[Node, ...]:
    """Nodes that stand on this machine: those named, else those whose address is one of ours."""
    wanted = set(names)
    nodes = [node for _, node in topology.nodes()]
    if wanted:
        return tuple(node for node in nodes if node.name in wanted)
    return tuple(node for node in nodes if _is_ours(_host_of(node)))


def machine() -> Machine:
    """Limits and kernel settings."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    available = _read(_PROC / "ipv4" / "tcp_available_congestion_control")
    return Machine(
        descriptors_max=None if hard == resource.RLIM_INFINITY else hard,
        somaxconn=_number(_PROC / "core" / "somaxconn"),
        congestion_controls=tuple(available.split()),
        lowest_free_port=0
        if os.geteuid() == 0
        else _number(_PROC / "ipv4" / "ip_unprivileged_port_start") or 0,
        version=_version(),
    )


def folders(nodes: Iterable[Node], held_bytes: Mapping[str, int]) -> tuple[Folder, ...]:
    """The directories of nodes; `held_bytes` is what edges say they hold."""
    found = []
    for node in nodes:
        if isinstance(node, EdgeNode):
            total = sum(disk.size_bytes for disk in node.disks)
            for disk in node.disks:
                held = held_bytes.get(node.name, 0) * disk.size_bytes // total
                found.append(_folder(node.name, disk.path, disk.size_bytes, held))
        elif isinstance(node, OriginNode):
            found.append(_folder(node.name, node.data, 0))
            if node.object_store is None:
                found += [
                    _folder(node.name, each.path, 0, reserve_bytes=each.reserve_bytes)
                    for each in node.volumes
                ]
    return tuple(found)


def log_folders(nodes: Iterable[Node]) -> tuple[Folder, ...]:
    """The directories that access logs are written to."""
    paths = (
        (node.name, node.access_log if isinstance(node, OriginNode) else node.settings.access_log)
        for node in nodes
    )
    return tuple(
        _folder(name, str(Path(path).parent), 0) for name, path in paths if path not in ("", "-")
    )


def ports(nodes: Iterable[Node], answering: Iterable[str]) -> tuple[Port, ...]:
    """Addresses of nodes that do not answer, and whether they could be listened on."""
    served = set(answering)
    return tuple(
        Port(node.name, str(address), _why_taken(address, kind))
        for node in nodes
        if node.name not in served
        for address, kind in _addresses(node)
    )


def names(topology: Topology) -> tuple[Name, ...]:
    """Host names in the URLs of a topology, each once, and whether they have an address."""
    used: dict[str, str] = {}
    for _, node in topology.nodes():
        for url in (node.url, getattr(node, "peer_url", ""), getattr(node, "router_url", "")):
            used.setdefault(urlsplit(url).hostname or "", node.name)
    for name in topology.dns.nameservers:
        used.setdefault(name.rstrip("."), "dns.nameservers")
    for route in topology.routes:
        for url in route.upstream:
            used.setdefault(urlsplit(url).hostname or "", f"route {route.prefix}")
    used.pop("", None)
    return tuple(Name(host, by, _why_unknown(host)) for host, by in used.items())


def servers(nodes: Iterable[Node], topology: Topology) -> tuple[Server, ...]:
    """Mail servers, object stores and payment services that origins here need."""
    wanted: dict[tuple[str, str, int], list[str]] = {}
    for node in nodes:
        if isinstance(node, OriginNode):
            for each in _needed_by(node, topology):
                wanted.setdefault(each, []).append(node.name)
    return tuple(
        Server(kind, f"{host}:{port}", ", ".join(by), _why_unreachable(host, port))
        for (kind, host, port), by in wanted.items()
    )


def _needed_by(node: OriginNode, topology: Topology) -> Iterator[tuple[str, str, int]]:
    if node.object_store is not None:
        yield "object store", *_host_and_port(node.object_store.endpoint)
    service = topology.service
    if service is not None and service.mail is not None:
        yield "mail server", service.mail.host, service.mail.port
    if service is not None and service.payments is not None:
        yield "payments", *_host_and_port(service.payments.api_url or _STRIPE)


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _why_unreachable(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _host_of(node: Node) -> str:
    host = node.listen.host
    return urlsplit(node.url).hostname or host if is_wildcard(host) else host


def _is_ours(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except OSError:
        return False
    for family, kind, _, _, address in found:
        with socket.socket(family, kind) as one:
            try:
                one.bind(address)
            except OSError:
                continue
            return True
    return False


def _folder(node: str, path: str, wanted: int, held: int = 0, *, reserve_bytes: int = 0) -> Folder:
    place = Path(path)
    nearest = next(each for each in (place, *place.parents) if each.exists())
    status, system = os.stat(nearest), os.statvfs(nearest)
    return Folder(
        node=node,
        path=path,
        exists=place.exists(),
        nearest=str(nearest),
        is_directory=nearest.is_dir(),
        writable=os.access(nearest, os.W_OK | os.X_OK),
        device=status.st_dev,
        free_bytes=system.f_bavail * system.f_frsize,
        total_bytes=system.f_blocks * system.f_frsize,
        free_inodes_share=system.f_favail / system.f_files if system.f_files else 1.0,
        wanted_bytes=wanted,
        held_bytes=held,
        reserve_bytes=reserve_bytes,
    )


def _addresses(node: Node) -> Iterator[tuple[Address, socket.SocketKind]]:
    yield node.listen, socket.SOCK_STREAM
    if isinstance(node, EdgeNode) and node.admin is not None:
        yield node.admin, socket.SOCK_STREAM
    if isinstance(node, RouterNode) and node.dns is not None:
        yield node.dns, socket.SOCK_DGRAM


def _why_taken(address: Address, kind: socket.SocketKind) -> str:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, kind) as one:
        if kind is socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((address.host, address.port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _why_unknown(host: str) -> str:
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _read(path)
    return int(text) if text.isdecimal() else None


def _version() -> str:
    try:
        return version("cinedge")
    except PackageNotFoundError:
        return ""
