"""Caches of one size in bytes: our edge, and peers whose own limits are set so that they hold it.

Units are blocks of 64 KiB in all of them. The edge and nginx cut a film themselves; Varnish and
Traffic Server keep objects whole, so they are asked for the pieces as objects.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from edge.cache.policy.named import Rule
from scripts.benchmark.counting_origin import BLOCK_BYTES
from scripts.benchmark.launch import HOST
from scripts.benchmark.peers import PEERS, Command, Room, Site, find_program

CUTTING_PEERS: Final = frozenset({"nginx"})
"""Peers that keep parts of a film by ranges."""
_PAGE_BYTES: Final = 4096
_KEYS_PER_PAGE: Final = 32
"""nginx's record of a cached file takes 128 bytes of its zone."""


def zone_bytes(units: int) -> int:
    """The size of nginx's zone of keys that holds so many units, or up to 32 less.

    The pool's head and its log line take a page each, its summary the place of a key.
    """
    return _PAGE_BYTES * (2 + max(1, (units + 1) // _KEYS_PER_PAGE))


def room_for(name: str, size_bytes: int) -> Room:
    """What a peer is to be told so that it holds `size_bytes` of content.

    nginx looks at `max_size` every ten seconds only, far too late here; when its zone of keys
    is full it lets the least recently used go at once, so the zone is the limit.
    """
    if name == "nginx":
        keys_bytes = zone_bytes(size_bytes // BLOCK_BYTES)
        return Room(0, 4 * size_bytes, BLOCK_BYTES, keys_bytes, open_files=0)
    return Room(size_bytes, size_bytes, BLOCK_BYTES)


def peer_command(site: Site, name: str) -> Command:
    """A peer that lives at a site.

    Varnish passes over a use within two seconds of the last, which are hours here.
    """
    command = PEERS[name].prepare(site)
    if name != "varnish":
        return command
    return Command((*command.words, "-p", "lru_interval=0"), command.env)


def request_for(name: str, number: int, block: int) -> bytes:
    """A request for a block of a film, in the form the cache called `name` can keep."""
    if _is_whole(name):
        return b"GET /pieces/%d/%d HTTP/1.1\r\nHost: cdn\r\n\r\n" % (number, block)
    start = block * BLOCK_BYTES
    return b"GET /films/%d.mp4 HTTP/1.1\r\nHost: cdn\r\nRange: bytes=%d-%d\r\n\r\n" % (
        number,
        start,
        start + BLOCK_BYTES - 1,
    )


def held_bytes(name: str, folder: Path) -> int:
    """What a running cache holds now: content, or all it takes where that is not told apart.

    nginx's files and Varnish's objects are pieces; the others are asked for their disk.
    """
    if name == "varnish":
        return BLOCK_BYTES * _varnish_objects(folder)
    found = [
        os.path.join(place, file) for place, _, names in os.walk(folder / "cache") for file in names
    ]
    held = 0
    # What went while the others were found was never there together with all of them.
    for file in found:
        with contextlib.suppress(FileNotFoundError):
            taken = os.stat(file).st_blocks * 512
            held += BLOCK_BYTES if name == "nginx" else taken
    return held


def _varnish_objects(folder: Path) -> int:
    words = [find_program("varnishstat") or "varnishstat", "-n", str(folder / "state"), "-j"]
    done = subprocess.run(
        [*words, "-f", "MAIN.n_object"], capture_output=True, timeout=10, check=True
    )
    return int(json.loads(done.stdout)["counters"]["MAIN.n_object"]["value"])


def ready_path(name: str) -> str:
    """What to ask for until the cache called `name` answers."""
    return "/pieces/ready/0" if _is_whole(name) else "/films/ready.mp4"


def edge_command(site: Site, size_bytes: int, rule: Rule, admin: int, ahead: int) -> Command:
    """An edge with a cache of `size_bytes` under a rule."""
    topology = {
        "version": 1,
        "sites": [{"name": "here", "latitude": 0, "longitude": 0}],
        "routes": [{"prefix": "/", "upstream": [f"http://{HOST}:{site.origin_port}/"]}],
        "edges": [
            {
                "name": "edge",
                "site": "here",
                "listen": f"{HOST}:{site.port}",
                "admin": f"{HOST}:{admin}",
                "disks": [{"path": str(site.folder / "cache"), "size_bytes": size_bytes}],
                "settings": {
                    "block_bytes": BLOCK_BYTES,
                    "read_ahead_blocks": ahead,
                    "eviction": {
                        "policy": rule.policy,
                        "admission": rule.admission,
                        "window_seconds": rule.window_seconds,
                        "half_life_seconds": rule.half_life_seconds,
                    },
                },
            }
        ],
    }
    path = site.write("topology.yaml", json.dumps(topology))
    words = (sys.executable, "-m", "scripts.cli.main", "edge", "--topology", path)
    return Command(words)


def _is_whole(name: str) -> bool:
    return name in PEERS and name not in CUTTING_PEERS
