"""The servers Cinedge is measured beside, each set up as one would for video.

Every function writes a configuration into a folder of its own and returns the command that runs
in the foreground. Nothing of a distribution's own configuration is used. Access logs are off in
all of them (Cinedge's is on); caches are larger than what is asked for.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.benchmark.launch import HOST
from scripts.benchmark.secure import Certificate

MEMORY_MIB: Final = 3072
DISK_MIB: Final = 2 * MEMORY_MIB
_SYSTEM_PATHS: Final = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Room:
    """What a peer may keep; by default more than is ever asked for. The last three are nginx's.

    With `open_files` it reads files that were evicted from the descriptors it has of them.
    """

    memory_bytes: int = MEMORY_MIB << 20
    disk_bytes: int = DISK_MIB << 20
    slice_bytes: int = 1 << 20
    keys_bytes: int = 64 << 20
    open_files: int = 16384


@dataclass(frozen=True, slots=True)
class Site:
    """Where a peer lives and what it pulls from."""

    folder: Path
    port: int
    origin_port: int
    workers: int
    certificate: Certificate | None = None
    room: Room = field(default_factory=Room)

    def write(self, name: str, text: str) -> Path:
        """Write one configuration file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@dataclass(frozen=True, slots=True)
class Command:
    """How to start a peer."""

    words: tuple[str | Path, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peer:
    """A server: its program, how it says its version, how it is set up."""

    name: str
    program: str
    version: str
    prepare: Callable[[Site], Command]


def find_program(name: str) -> str | None:
    """The path of an installed program, also of those only root has in its path."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATHS}")


def _program(name: str) -> str:
    return find_program(name) or name


def nginx_http(site: Site, http: str) -> Command:
    """nginx with these lines in its `http` block."""
    folder = site.folder
    open_files = "off"
    if site.room.open_files:
        open_files = f"max={site.room.open_files} inactive=600s"
    scratch = "".join(
        f"    {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = site.write(
        "nginx.conf",
        f"""{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes {site.workers};
worker_rlimit_nofile 16384;
pid {folder}/pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
{scratch}    access_log off;
    default_type video/mp4;
    sendfile on;
    # tcp_nopush waits 40 ms for the rest of a segment on loopback.
    tcp_nopush off;
    tcp_nodelay on;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    open_file_cache {open_files};
    open_file_cache_valid 600s;
{http}}}
""",
    )
    return Command((_program("nginx"), "-e", "stderr", "-p", folder, "-c", conf))


def nginx_static(site: Site, root: Path) -> Command:
    """nginx with files: the neutral origin, and what our origin is compared with."""
    return nginx_http(
        site,
        f"""    server {{
        listen {HOST}:{site.port} reuseport backlog=4096;
        root {root};
        add_header Cache-Control "public, max-age=86400";
    }}
""",
    )


def nginx_cache(site: Site) -> Command:
    """nginx as a cache; films in slices, everything else whole."""
    secure, room = "", site.room
    if site.certificate is not None:
        secure = f"""
        ssl_certificate {site.certificate.certificate};
        ssl_certificate_key {site.certificate.key};
        ssl_session_cache shared:sessions:10m;"""
    return nginx_http(
        site,
        f"""    proxy_cache_path {site.folder}/cache levels=1:2 keys_zone=films:{room.keys_bytes}
        max_size={room.disk_bytes} inactive=1d use_temp_path=off;
    upstream origin {{
        server {HOST}:{site.origin_port};
        keepalive 128;
        keepalive_requests 1000000;
    }}
    proxy_http_version 1.1;
    proxy_cache films;
    proxy_cache_valid 200 206 1d;
    proxy_cache_lock on;
    proxy_cache_lock_timeout 60s;
    proxy_cache_revalidate on;
    proxy_cache_use_stale updating error timeout;
    proxy_cache_background_update on;
    proxy_buffer_size 16k;
    proxy_buffers 32 32k;
    proxy_busy_buffers_size 128k;
    server {{
        listen {HOST}:{site.port} {"ssl " if secure else ""}reuseport backlog=4096;{secure}
        location / {{
            proxy_pass http://origin;
            proxy_set_header Connection "";
            proxy_cache_key $uri$is_args$args;
        }}
        location ~ /(films|cold)/ {{
            slice {room.slice_bytes};
            proxy_pass http://origin;
            proxy_set_header Connection "";
            proxy_set_header Range $slice_range;
            proxy_cache_key $uri$is_args$args$slice_range;
        }}
    }}
""",
    )


def varnish(site: Site) -> Command:
    """Varnish in memory, streaming while it fetches."""
    vcl = site.write(
        "films.vcl",
        f"""vcl 4.1;
backend origin {{ .host = "{HOST}"; .port = "{site.origin_port}"; }}
sub vcl_backend_response {{
    set beresp.do_stream = true;
    set beresp.grace = 1h;
}}
""",
    )
    settings = {
        "thread_pools": site.workers,
        "thread_pool_min": 128,
        "thread_pool_max": 1024,
        "timeout_idle": 300,
        "listen_depth": 4096,
        "nuke_limit": 1000,
    }
    words: list[str | Path] = [_program("varnishd"), "-F", "-j", "none", "-T", "none"]
    words += ["-n", site.folder / "state", "-a", f"{HOST}:{site.port}", "-f", vcl]
    words += ["-s", f"malloc,{site.room.memory_bytes}b"]
    for name, value in settings.items():
        words += ["-p", f"{name}={value}"]
    (site.folder / "state").mkdir()
    return Command(tuple(words))


def traffic_server(site: Site) -> Command:
    """Apache Traffic Server: everything fits its memory cache, readers join a writer."""
    folder = site.folder
    for name in ("log", "run", "cache", "share/trafficserver/body_factory/default"):
        (folder / name).mkdir(parents=True)
    places = {
        "bindir": "/usr/bin",
        "sbindir": "/usr/bin",
        "libdir": "/usr/lib/trafficserver",
        "libexecdir": "/usr/lib/trafficserver/modules",
        "sysconfdir": folder / "etc",
        "localstatedir": folder / "run",
        "runtimedir": folder / "run",
        "logdir": folder / "log",
        "cachedir": folder / "cache",
        "datadir": folder / "share",
    }
    root = site.write(
        "runroot.yaml",
        f"prefix: {folder}\nexec_prefix: {folder}\n"
        + "".join(f"{name}: {path}\n" for name, path in places.items()),
    )
    records: dict[str, str] = {
        "http.server_ports": f"STRING {site.port}:ip-in={HOST}",
        "admin.user_id": "STRING #-1",
        "exec_thread.autoconfig": "INT 0",
        "exec_thread.limit": f"INT {site.workers}",
        "exec_thread.affinity": "INT 0",
        "accept_threads": "INT 0",
        "cache.ram_cache.size": f"INT {site.room.memory_bytes}",
        "cache.ram_cache_cutoff": f"INT {1 << 30}",
        "cache.ram_cache.use_seen_filter": "INT 0",
        "cache.enable_read_while_writer": "INT 1",
        "cache.min_average_object_size": "INT 65536",
        "http.cache.required_headers": "INT 0",
        "http.cache.open_write_fail_action": "INT 5",
        "http.background_fill_completed_threshold": "FLOAT 0.0",
        "http.background_fill_active_timeout": "INT 0",
        "http.keep_alive_no_activity_timeout_in": "INT 300",
        "net.connections_throttle": "INT 8192",
        "url_remap.pristine_host_hdr": "INT 1",
        "log.logging_enabled": "INT 0",
        "crash_log_helper": "STRING NULL",
    }
    site.write(
        "etc/records.config",
        "".join(f"CONFIG proxy.config.{name} {value}\n" for name, value in records.items()),
    )
    site.write("etc/remap.config", f"map / http://{HOST}:{site.origin_port}/\n")
    site.write("etc/storage.config", f"{folder}/cache {site.room.disk_bytes}\n")
    site.write(
        "etc/ip_allow.yaml",
        "ip_allow:\n  - {apply: in, ip_addrs: 0/0, action: allow, methods: ALL}\n",
    )
    for name in ("plugin", "volume", "hosting", "cache", "parent", "splitdns", "ssl_multicert"):
        site.write(f"etc/{name}.config", "")
    for name in ("sni", "strategies", "logging"):
        site.write(f"etc/{name}.yaml", "")
    env = {"TS_RUNROOT": str(root)}
    return Command((_program("traffic_server"), f"--run-root={root}"), env)


def squid(site: Site) -> Command:
    """Squid as an accelerator: memory and disk cache, requests for one object collapsed."""
    folder = site.folder
    (folder / "cache").mkdir()
    user = ""
    if os.geteuid() == 0 and any(each.pw_name == "proxy" for each in pwd.getpwall()):
        user = "cache_effective_user proxy"
        shutil.chown(folder, "proxy")
        shutil.chown(folder / "cache", "proxy")
    many = site.workers > 1
    disk = f"cache_dir aufs {folder}/cache {site.room.disk_bytes >> 20} 16 64"
    conf = site.write(
        "squid.conf",
        f"""http_port {HOST}:{site.port} accel defaultsite=films.example no-vhost
cache_peer {HOST} parent {site.origin_port} 0 no-query no-digest originserver name=origin
{user}
http_access allow all
never_direct allow all
{f"workers {site.workers}" if many else disk}
memory_cache_shared {"on" if many else "off"}
cache_mem {site.room.memory_bytes >> 20} MB
maximum_object_size_in_memory 1100 MB
maximum_object_size 2 GB
range_offset_limit none
quick_abort_min -1 KB
collapsed_forwarding on
read_ahead_gap 1 MB
client_idle_pconn_timeout 5 minutes
max_filedescriptors 8192
access_log none
cache_store_log none
cache_log {folder}/cache.log
pid_filename {folder}/squid.pid
coredump_dir {folder}
pinger_enable off
shutdown_lifetime 1 seconds
visible_hostname films.example
""",
    )
    program = _program("squid")
    if many:
        return Command((program, "--foreground", "-f", conf))
    subprocess.run([program, "-N", "-z", "-f", conf], capture_output=True, timeout=60, check=False)
    return Command((program, "-N", "-f", conf))


PEERS: Final = {
    each.name: each
    for each in (
        Peer("nginx", "nginx", "-v", nginx_cache),
        Peer("varnish", "varnishd", "-V", varnish),
        Peer("ats", "traffic_server", "--version", traffic_server),
        Peer("squid", "squid", "-v", squid),
    )
}


SECURE_PEERS: Final = ("nginx",)
"""Peers that are set up to speak TLS here."""


def installed() -> tuple[str, ...]:
    """The peers that are on this machine."""
    return tuple(name for name, peer in PEERS.items() if find_program(peer.program))
