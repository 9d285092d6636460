"""All facts about an installation, gathered once."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from config.complaints import TopologyError
from config.load import load_topology, read_content
from config.node_file import digest_of
from config.topology import Topology
from scripts.cli.errors import UsageError
from scripts.doctor import files, here, running
from scripts.doctor.facts import Facts
from scripts.overview.looking import look


def examine(path: Path, environ: Mapping[str, str], names: Sequence[str]) -> Facts:
    """All facts about the installation of a topology file; `names` say which nodes stand here.

    Raises UsageError for a name that is no node's.
    """
    facts = Facts(str(path), has_token=bool(environ.get("CINEDGE_TOKEN")), machine=here.machine())
    try:
        topology = load_topology(path, environ)
        digest = digest_of(read_content(path))
    except TopologyError as error:
        return replace(facts, complaints=error.complaints)
    unknown = set(names) - {node.name for _, node in topology.nodes()}
    if unknown:
        raise UsageError(f"{path} has no node named {', '.join(sorted(unknown))}")
    now = time.time()
    local = here.nodes_here(topology, names)
    seen = tuple(look(node for _, node in topology.nodes()))
    held = {each.node.name: each.figures.total("cinedge_edge_held_bytes") for each in seen}
    return replace(
        facts,
        topology=topology,
        digest=digest,
        file_mode=os.stat(path).st_mode & 0o777,
        secrets_in_file=_secrets_in(topology),
        here=local,
        folders=(
            *here.folders(local, {name: int(size or 0) for name, size in held.items()}),
            *here.log_folders(local),
        ),
        ports=here.ports(local, [each.node.name for each in seen if not each.error]),
        names=here.names(topology),
        servers=here.servers(local, topology),
        certificates=files.certificates(local, now),
        databases=files.databases(local),
        geo_files=files.geo_files(topology, now),
        seen=seen,
        asked=running.ask_edges(topology, seen, secrets.token_hex(8)),
    )


def _secrets_in(topology: Topology) -> tuple[str, ...]:
    """Tokens and keys that stand in the file itself."""
    tokens = [f"access token {t.name}" for t in topology.access_tokens if not t.secret_env]
    keys = [f"token key {k.id}" for k in topology.token_keys if k.secret and not k.secret_env]
    return (*tokens, *keys)
