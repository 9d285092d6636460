"""Judgements over the facts of one machine: the file, folders, disks, ports, names, limits.

Each takes all facts and yields findings; `CHECKS` is the table. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from config.topology import EdgeNode
from config.units import format_duration
from scripts.capacity.steps import amount
from scripts.doctor.facts import CertificateFacts, Facts, Folder
from scripts.doctor.findings import Finding

DAY_SECONDS: Final = 86_400
_FREE_SHARE_MIN: Final = 0.03
_INODES_SHARE_MIN: Final = 0.01
_BACKLOG: Final = 4096
_DESCRIPTORS_MIN: Final = 4096
_CERTIFICATE_SOON_SECONDS: Final = 21 * DAY_SECONDS
_CERTIFICATE_LATE_SECONDS: Final = 7 * DAY_SECONDS
_GEO_OLD_SECONDS: Final = 120 * DAY_SECONDS
_OTHERS: Final = 0o077


def topology_is_sound(facts: Facts) -> Iterator[Finding]:
    """The file can be used."""
    for each in facts.complaints:
        place = f"{each.file}:{each.line}" if each.line else each.file
        subject = f"{place}: {each.path}" if each.path else place
        why = "No process starts with this file, and running ones refuse it."
        yield Finding("topology", subject, each.message, why, each.hint or "Mend the line.")


def secrets_are_secret(facts: Facts) -> Iterator[Finding]:
    """Secrets in the file are for its owner alone."""
    if facts.secrets_in_file and facts.file_mode & _OTHERS:
        yield Finding(
            "secrets",
            facts.file,
            f"{', '.join(facts.secrets_in_file)} stand in the file, and others may read it",
            "Whoever has them may upload, purge, or sign tokens for every film.",
            f"chmod 600 {facts.file}, or give them by secret_env.",
        )


def operators_have_a_token(facts: Facts) -> Iterator[Finding]:
    """Commands that change something find a token."""
    if facts.topology is not None and facts.topology.access_tokens and not facts.has_token:
        yield Finding(
            "token",
            "CINEDGE_TOKEN",
            "is not set, and this installation lets nobody in without one",
            "purge, warm, pin, drain and ingest will be refused from here.",
            "Set it to a token of access_tokens with the scope you need.",
            grave=False,
        )


def folders_can_be_written(facts: Facts) -> Iterator[Finding]:
    """Every directory is there, or can be made, and can be written."""
    for folder in facts.folders:
        if not folder.is_directory:
            what = f"{folder.nearest} is no directory"
        elif not folder.writable:
            what = f"{folder.nearest} cannot be written by this user"
        else:
            continue
        yield Finding(
            "folders",
            f"{folder.node} {folder.path}",
            what,
            "The process keeps its blocks, films or log lines there, and ends without it.",
            "Make the directory and give it to the user that runs the process.",
        )


def disks_have_room(facts: Facts) -> Iterator[Finding]:
    """What may be kept on a file system fits there, and it is not full."""
    for folders in _by_device(facts).values():
        first = folders[0]
        where = ", ".join(sorted({f"{each.node} {each.path}" for each in folders}))
        free, total = first.free_bytes, first.total_bytes
        wanted = sum(each.wanted_bytes for each in folders)
        room = free + sum(each.held_bytes for each in folders)
        reserve = max(each.reserve_bytes for each in folders)
        if free <= max(reserve, total * _FREE_SHARE_MIN):
            yield Finding(
                "disks",
                where,
                f"{amount(free)} of {amount(total)} are free",
                "Uploads are refused and edges stop keeping blocks when a disk is full.",
                "Delete what is not needed there, or give a larger disk.",
            )
        elif wanted > room:
            yield Finding(
                "disks",
                where,
                f"caches may grow to {amount(wanted)}, there is room for {amount(room)}",
                "The disk fills up before the caches begin to evict.",
                "Lower size_bytes, or give a larger disk.",
            )
        if first.free_inodes_share < _INODES_SHARE_MIN:
            yield Finding(
                "disks",
                where,
                f"{first.free_inodes_share:.1%} of its inodes are free",
                "No file can be made when none is left, however much room there is.",
                "Delete small files, or make the file system anew with more inodes.",
            )


def disks_are_not_shared(facts: Facts) -> Iterator[Finding]:
    """Two caches or volumes do not wear the same disk out."""
    for folders in _by_device(facts).values():
        owners = sorted({f"{each.node} {each.path}" for each in folders if _holds_films(each)})
        if len(owners) > 1:
            yield Finding(
                "disks",
                ", ".join(owners),
                "stand on one file system",
                "They share its speed and its room, and fail together.",
                "Give each a disk of its own, or accept it where only tests run.",
                grave=False,
            )


def ports_are_free(facts: Facts) -> Iterator[Finding]:
    """Nodes that do not answer could listen where they should."""
    for port in facts.ports:
        number = int(port.address.rpartition(":")[2])
        if number < facts.machine.lowest_free_port:
            what = f"ports below {facts.machine.lowest_free_port} are for root"
            mend = "Start it as root, lower net.ipv4.ip_unprivileged_port_start, or take another."
        elif port.error:
            what = f"it does not answer, and nothing could listen there: {port.error}"
            mend = "`ss -ltnup` says who has it; stop that, or choose another address."
        else:
            continue
        why = "The process cannot start."
        yield Finding("ports", f"{port.node} {port.address}", what, why, mend)


def names_have_addresses(facts: Facts) -> Iterator[Finding]:
    """Every host name of the topology has an address."""
    for name in facts.names:
        if name.error:
            yield Finding(
                "names",
                name.host,
                f"has no address, says this machine ({name.used_by}): {name.error}",
                "Neither viewers nor other nodes that see the same can connect.",
                "Put the name into DNS or /etc/hosts, or correct the URL.",
            )


def servers_answer(facts: Facts) -> Iterator[Finding]:
    """Mail servers, object stores and payment services take connections."""
    for each in facts.servers:
        if each.error:
            yield Finding(
                "servers",
                f"{each.kind} {each.address}",
                f"takes no connection from here ({each.used_by}): {each.error}",
                "Films cannot be read or written, mails wait, or nobody can pay.",
                "Start it, open the firewall towards it, or correct its address.",
            )


def certificates_are_good(facts: Facts) -> Iterator[Finding]:
    """Certificates can be used, fit the name, last, and their keys are secret."""
    for each in facts.certificates:
        subject = f"{each.node} {each.path}"
        for what, mend, grave in _ails(each):
            why = "Nobody connects to a process that cannot prove its name."
            yield Finding("certificates", subject, what, why, mend, grave)
        if each.key_mode & _OTHERS:
            yield Finding(
                "certificates",
                f"{each.node} {each.key_path}",
                f"others may read the private key (mode {each.key_mode:o})",
                "Whoever has it can pass for this process.",
                f"chmod 600 {each.key_path}, and consider a new certificate.",
            )


def descriptors_suffice(facts: Facts) -> Iterator[Finding]:
    """A process may open as many connections and files as it is told to take."""
    most = facts.machine.descriptors_max
    short = {
        node.name: node.settings.connections_max + _DESCRIPTORS_MIN
        for node in facts.here
        if isinstance(node, EdgeNode)
        and most is not None
        and most < node.settings.connections_max + _DESCRIPTORS_MIN
    }
    if most is not None and short:
        yield Finding(
            "descriptors",
            ", ".join(short),
            f"a process started from here may open {most:,}; connections_max and files come to "
            f"{max(short.values()):,}",
            "Viewers are turned away before connections_max is reached.",
            "Raise LimitNOFILE of the unit (or `ulimit -n`), or lower connections_max.",
            grave=most < _DESCRIPTORS_MIN,
        )


def kernel_fits(facts: Facts) -> Iterator[Finding]:
    """The kernel has the queue and the congestion control that edges ask for."""
    edges = [node for node in facts.here if isinstance(node, EdgeNode)]
    queue = facts.machine.somaxconn
    if edges and queue is not None and queue < _BACKLOG:
        yield Finding(
            "kernel",
            "net.core.somaxconn",
            f"is {queue}, edges ask for {_BACKLOG}",
            "A crowd that connects at once is refused.",
            f"sysctl -w net.core.somaxconn={_BACKLOG}, and in /etc/sysctl.d.",
            grave=False,
        )
    known = facts.machine.congestion_controls
    for edge in edges:
        wanted = edge.settings.congestion_control
        if wanted and known and wanted not in known:
            yield Finding(
                "kernel",
                f"{edge.name} congestion_control",
                f"the kernel has no {wanted!r}, only {', '.join(known)}",
                "The edge ends at its start.",
                f"modprobe tcp_{wanted}, or leave congestion_control out.",
            )


def databases_are_ours(facts: Facts) -> Iterator[Finding]:
    """Databases answer, and their schema is one this program knows."""
    for each in facts.databases:
        subject = f"{each.node} {each.url}"
        if each.error:
            yield Finding(
                "database",
                subject,
                f"cannot be used: {each.error}",
                "The origin does not start, or answers 503.",
                "Start the database server, or correct the setting `database`; put a damaged "
                "SQLite file back from a copy.",
            )
        elif not each.is_known:
            yield Finding(
                "database",
                subject,
                f"has schema {each.revision}, this program knows up to {each.newest}",
                "A newer program made it; this one refuses it.",
                "Install the newer version again.",
            )
        elif each.revision is not None and each.revision != each.newest:
            yield Finding(
                "database",
                subject,
                f"has schema {each.revision}, this program's is {each.newest}",
                "The next start of the origin migrates it; there is no way back without a copy.",
                "Keep a copy before that start.",
                grave=False,
            )


def geo_files_are_fresh(facts: Facts) -> Iterator[Finding]:
    """Databases of places can be read and are not old."""
    for each in facts.geo_files:
        if each.error:
            yield Finding(
                "geo",
                each.path,
                f"cannot be used: {each.error}",
                "Routers send viewers to the default site.",
                "`cinedge geo fetch` installs a free one; or correct the path.",
            )
        elif each.age_seconds > _GEO_OLD_SECONDS:
            yield Finding(
                "geo",
                each.path,
                f"is {each.age_seconds / DAY_SECONDS:.0f} days old",
                "Networks move; viewers are sent to sites that are far by now.",
                "`cinedge geo fetch` installs a newer one; routers take it over by themselves.",
                grave=False,
            )


Check = Callable[[Facts], Iterator[Finding]]
CHECKS: Final[tuple[Check, ...]] = (
    topology_is_sound,
    secrets_are_secret,
    operators_have_a_token,
    folders_can_be_written,
    disks_have_room,
    disks_are_not_shared,
    ports_are_free,
    names_have_addresses,
    servers_answer,
    certificates_are_good,
    descriptors_suffice,
    kernel_fits,
    databases_are_ours,
    geo_files_are_fresh,
)


def _ails(each: CertificateFacts) -> Iterator[tuple[str, str, bool]]:
    """What is wrong with a certificate, how to mend it, and whether it is grave."""
    if each.error:
        yield f"cannot be used: {each.error}", "Give a certificate and its key, in PEM.", True
        return
    renew = "Renew it; the edge takes a new file over by itself."
    if each.seconds_left <= 0:
        yield "has ended", renew, True
    elif each.seconds_left < _CERTIFICATE_SOON_SECONDS:
        left = format_duration(float(int(each.seconds_left) // 3600 * 3600))
        yield f"ends in {left}", renew, each.seconds_left < _CERTIFICATE_LATE_SECONDS
    if each.host and not any(_covers(name, each.host) for name in each.names):
        names = ", ".join(each.names) or "no name"
        mend = f"Have one made for {each.host}, or correct the edge's url."
        yield f"is for {names}, players ask for {each.host}", mend, True


def _covers(name: str, host: str) -> bool:
    """RFC 9525 6.3: a wildcard stands for exactly the first label."""
    if name.startswith("*."):
        return host.partition(".")[2].lower() == name[2:].lower()
    return name.lower() == host.lower()


def _by_device(facts: Facts) -> dict[int, list[Folder]]:
    devices: defaultdict[int, list[Folder]] = defaultdict(list)
    for folder in facts.folders:
        devices[folder.device].append(folder)
    return devices


def _holds_films(folder: Folder) -> bool:
    return bool(folder.wanted_bytes or folder.reserve_bytes)
