"""What the router is measured beside, set up to do the same: nginx for redirects, PowerDNS for DNS.

nginx picks an edge by address (`geo`) and returns 302; PowerDNS answers from its geo backend with
the zone that `cinedge topology export powerdns` writes. Both as fast as they are: no log.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import yaml

from scripts.benchmark.dns_load import NAMES, ZONE
from scripts.benchmark.launch import HOST
from scripts.benchmark.peers import Command, Site, find_program, nginx_http
from scripts.cli.errors import FailedError

NGINX: Final = "nginx"
POWERDNS: Final = "powerdns"
_SITES: Final = {"fra": (50.1, 8.7), "iad": (38.9, -77.4), "sin": (1.35, 103.8)}


def nginx_redirects(site: Site, edge_url: str) -> Command:
    """nginx that sends viewers to an edge by their address."""
    ranges = "".join(f"        10.{number}.0.0/16 {edge_url};\n" for number in range(200))
    return nginx_http(
        site,
        f"""    geo $edge {{
        default {edge_url};
{ranges}    }}
    server {{
        listen {HOST}:{site.port} reuseport backlog=4096;
        location / {{
            add_header Cache-Control no-store always;
            add_header Access-Control-Allow-Origin * always;
            return 302 $edge$request_uri;
        }}
    }}
""",
    )


def write_dns_topology(folder: Path, router_port: int, dns_port: int, edge_port: int) -> Path:
    """A topology whose router answers DNS for three sites, the first of which has an edge."""
    document = {
        "sites": [
            {"name": name, "latitude": place[0], "longitude": place[1]}
            for name, place in _SITES.items()
        ],
        "edges": [
            {
                "name": "edge-fra",
                "site": "fra",
                "listen": f"{HOST}:{edge_port}",
                "url": f"http://{HOST}:{edge_port}",
                "disks": [{"path": str(folder / "nothing")}],
            }
        ],
        "routes": [{"prefix": "/", "upstream": [f"http://{HOST}:{edge_port}"]}],
        "routers": [
            {"name": "router", "listen": f"{HOST}:{router_port}", "dns": f"{HOST}:{dns_port}"}
        ],
        "geo": {
            "default_site": "fra",
            "prefixes": {
                f"{number}.0.0.0/8": name
                for name, numbers in zip(_SITES, ((11, 60), (60, 120), (120, 200)), strict=True)
                for number in range(*numbers)
            },
        },
        "dns": {"zone": ZONE, "names": [f"play{number}" for number in range(NAMES)]},
    }
    path = folder / "topology.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def powerdns(site: Site, topology: Path, cinedge: Path) -> Command:
    """PowerDNS with its geo backend over the zone of a topology. Raises FailedError."""
    call = [str(cinedge), "topology", "export", "powerdns", str(topology)]
    made = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60)
    if made.returncode:
        raise FailedError(f"cinedge topology export: {made.stderr.strip()[-500:]}")
    zones = site.write("zones.yaml", made.stdout)
    site.write(
        "pdns.conf",
        f"""launch=geoip
geoip-zones-file={zones}
edns-subnet-processing=yes
local-address={HOST}
local-port={site.port}
receiver-threads=1
distributor-threads=1
reuseport=no
socket-dir={site.folder}
guardian=no
daemon=no
write-pid=no
loglevel=1
log-dns-queries=no
log-dns-details=no
webserver=no
api=no
cache-ttl=20
""",
    )
    program = find_program("pdns_server") or "pdns_server"
    return Command((program, f"--config-dir={site.folder}"))
