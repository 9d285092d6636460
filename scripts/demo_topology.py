"""The topology that `cinedge up` starts: one origin, one router, an edge in each of three regions.

Viewers from 127.1.0.0/16, 127.2.0.0/16 and 127.3.0.0/16 count as near Frankfurt, Ashburn and
Singapore, so that one machine shows what routing does; 127.0.0.1 itself falls to Frankfurt.
The file is written once and belongs to its reader from then on: a later start only swaps ports
that somebody else has taken, and leaves every other character alone. With the film service it is
another file, over the same films and caches.
"""

from __future__ import annotations

import random
import re
import secrets
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from cdnkit.errors import UnavailableError

HOST = "127.0.0.1"
ORIGIN = "origin"
ROUTER = "router"
TOPOLOGY_PORTS = 8
"""Ports that a fresh topology needs: origin, router, and two for each edge."""

SERVICE_PORTS = 2
"""Those of the film service besides: its mail server and its double of Stripe."""

PORT_RANGE = range(20_000, 32_000)

HEADER = """\
# Written by `cinedge up` on its first start and kept. To change what runs, edit a copy:
# `cinedge topology apply COPY --of THIS`. While nothing runs, edit it freely.
# Every setting with its default: config/topology.example.yaml
"""


@dataclass(frozen=True, slots=True)
class Region:
    """A site of the demonstration and the loopback addresses that count as near it."""

    site: str
    latitude: float
    longitude: float
    label: str
    prefix: str

    @property
    def edge(self) -> str:
        """Name of its one edge."""
        return f"edge-{self.site}"


REGIONS = (
    Region("fra", 50.11, 8.68, "Europe", "127.1.0.0/16"),
    Region("iad", 38.95, -77.46, "North America", "127.2.0.0/16"),
    Region("sin", 1.36, 103.99, "Asia", "127.3.0.0/16"),
)

_PLANS = (
    ("basic", "Basic", 799, 1, 720),
    ("premium", "Premium", 1499, 4, 2160),
)
"""Id and name, price a month in cents, streams at once, tallest picture."""

_LOOPBACK_PORT = re.compile(rf"\b({re.escape(HOST)}(?::|\n +port: ))([0-9]{{1,5}})\b")
"""After a colon, or in a line of its own, as mail servers have it."""


def render_topology(data: Path, ports: Sequence[int], *, with_service: bool = False) -> str:
    """The YAML of a fresh topology that keeps everything under `data`."""
    origin_port, router_port, *edge_ports = ports[:TOPOLOGY_PORTS]
    document: dict[str, Any] = {
        "version": 1,
        "name": "demo",
        "sites": [
            {"name": r.site, "latitude": r.latitude, "longitude": r.longitude, "region": r.label}
            for r in REGIONS
        ],
        "origins": [
            {
                "name": ORIGIN,
                "listen": f"{HOST}:{origin_port}",
                "data": "origin",
                "router_url": f"http://{HOST}:{router_port}",
                "access_log": _access_log(data, ORIGIN),
            }
        ],
        "edges": [
            {
                "name": region.edge,
                "site": region.site,
                "listen": f"{HOST}:{edge_ports[2 * at]}",
                "admin": f"{HOST}:{edge_ports[2 * at + 1]}",
                "disks": [{"path": f"cache/{region.edge}", "size_bytes": "1GiB"}],
                "settings": {"access_log": _access_log(data, region.edge)},
            }
            for at, region in enumerate(REGIONS)
        ],
        "routers": [
            {
                "name": ROUTER,
                "listen": f"{HOST}:{router_port}",
                "settings": {"access_log": _access_log(data, ROUTER)},
            }
        ],
        "geo": {
            "default_site": REGIONS[0].site,
            "prefixes": {region.prefix: region.site for region in REGIONS},
        },
    }
    if with_service:
        mail_port, stripe_port = ports[TOPOLOGY_PORTS:]
        _add_service(document, mail_port, stripe_port)
    return HEADER + yaml.safe_dump(document, sort_keys=False)


def _add_service(document: dict[str, Any], mail_port: int, stripe_port: int) -> None:
    """Write the service into a topology. Films want a token from then on."""
    stripe = f"http://{HOST}:{stripe_port}"
    document["token_keys"] = [{"id": "demo", "secret": secrets.token_urlsafe(32)}]
    document["routes"] = [{"prefix": "/", "token": True}]
    document["service"] = {
        "mail": {
            "host": HOST,
            "port": mail_port,
            "sender": "films@cinedge.example",
            "security": "none",
        },
        "payments": {
            "plans": [
                {
                    "id": id,
                    "name": name,
                    "prices": [
                        {"currency": "eur", "amount_minor": amount_minor, "stripe": f"{id}-eur"}
                    ],
                    "streams_max": streams_max,
                    "height_max": height_max,
                }
                for id, name, amount_minor, streams_max, height_max in _PLANS
            ],
            "secret": "sk_test_demo",
            "publishable_key": "pk_test_demo",
            "api_url": stripe,
            "script_url": f"{stripe}/js.stripe.com/v3/",
            "webhook": {"secret": f"whsec_{secrets.token_urlsafe(16)}"},
        },
    }


def _access_log(data: Path, name: str) -> str:
    return str(data / "logs" / f"{name}.access.jsonl")


def listed_ports(text: str) -> tuple[int, ...]:
    """Every port of the loopback address that a topology names, each once, in order."""
    return tuple(dict.fromkeys(int(port) for _, port in _LOOPBACK_PORT.findall(text)))


def swap_ports(text: str, swaps: dict[int, int]) -> str:
    """The same topology with some ports replaced."""

    def swap(match: re.Match[str]) -> str:
        port = int(match[2])
        return f"{match[1]}{swaps.get(port, port)}"

    return _LOOPBACK_PORT.sub(swap, text)


def free_ports(count: int, avoid: Iterable[int] = ()) -> list[int]:
    """Ports that nobody listens on now, chosen by chance so that two first starts rarely meet.

    They lie below the range from which Linux takes ports of outgoing connections, which would
    otherwise take a kept port while the cluster is down.
    """
    candidates = [port for port in PORT_RANGE if port not in set(avoid)]
    random.shuffle(candidates)
    chosen = list(islice(filter(is_free, candidates), count))
    if len(chosen) < count:
        raise UnavailableError(f"no {count} free ports from {PORT_RANGE.start} on")
    return chosen


def is_free(port: int) -> bool:
    """Whether a process could listen on it now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def settle_topology(path: Path, say: Callable[[str], None], *, with_service: bool = False) -> None:
    """Write the topology if there is none; swap the ports that are taken if there is one."""
    if not path.exists():
        fresh = free_ports(TOPOLOGY_PORTS + (SERVICE_PORTS if with_service else 0))
        text = render_topology(path.parent, fresh, with_service=with_service)
    else:
        kept = path.read_text()
        ports = listed_ports(kept)
        taken = [port for port in ports if not is_free(port)]
        if not taken:
            return
        swaps = dict(zip(taken, free_ports(len(taken), avoid=ports), strict=True))
        for old, new in swaps.items():
            say(f"Port {old} is taken by another program; using {new} from now on.")
        text = swap_ports(kept, swaps)
    aside = path.with_suffix(".part")
    aside.write_text(text)
    aside.replace(path)
