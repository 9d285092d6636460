"""What was found out about an installation, as plain records; nothing is judged here."""

from __future__ import annotations

from dataclasses import dataclass, field

from config.complaints import Complaint
from config.topology import Node, Topology
from scripts.overview.looking import Seen


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory that a node keeps bytes in; `nearest` is the nearest one that is there.

    `wanted_bytes` is what it may come to hold (0: whatever there is), `held_bytes` what of it is
    there already; room is that of its file system.
    """

    node: str
    path: str
    exists: bool
    nearest: str
    is_directory: bool
    writable: bool
    device: int
    free_bytes: int
    total_bytes: int
    free_inodes_share: float
    wanted_bytes: int
    held_bytes: int = 0
    reserve_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Port:
    """An address that a node listens on. `error` is why nothing could listen there now."""

    node: str
    address: str
    error: str


@dataclass(frozen=True, slots=True)
class Name:
    """A host name out of the topology; `error` is why it has no address."""

    host: str
    used_by: str
    error: str


@dataclass(frozen=True, slots=True)
class Server:
    """A server of somebody else's that this machine needs; `error` is why it does not connect."""

    kind: str
    address: str
    used_by: str
    error: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What an edge proves its name with. `error` is why it cannot be used."""

    node: str
    path: str
    error: str
    host: str = ""
    names: tuple[str, ...] = ()
    seconds_left: float = 0.0
    key_path: str = ""
    key_mode: int = 0


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """A catalog's database: its schema, that of this program, and whether the first is known."""

    node: str
    url: str
    error: str = ""
    revision: str | None = None
    newest: str = ""
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class GeoFile:
    """A database or table of places; `error` is why it cannot be used."""

    path: str
    error: str
    age_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """Limits and kernel settings of this machine; what cannot be told is None or empty."""

    descriptors_max: int | None = None
    somaxconn: int | None = None
    congestion_controls: tuple[str, ...] = ()
    lowest_free_port: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. `topology` is None when the file cannot be used; `complaints` say why."""

    file: str
    topology: Topology | None = None
    complaints: tuple[Complaint, ...] = ()
    file_mode: int = 0
    secrets_in_file: tuple[str, ...] = ()
    digest: str = ""
    has_token: bool = False
    machine: Machine = field(default_factory=Machine)
    here: tuple[Node, ...] = ()
    folders: tuple[Folder, ...] = ()
    ports: tuple[Port, ...] = ()
    names: tuple[Name, ...] = ()
    servers: tuple[Server, ...] = ()
    certificates: tuple[CertificateFacts, ...] = ()
    databases: tuple[DatabaseFacts, ...] = ()
    geo_files: tuple[GeoFile, ...] = ()
    seen: tuple[Seen, ...] = ()
    asked: dict[str, int | None] = field(default_factory=dict)
    """Edges that were asked for an object that is not there, and the status they answered."""
