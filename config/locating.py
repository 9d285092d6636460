"""Records of how routers turn addresses into places, and of the zone that they answer for.

Parts of `config.topology`: a topology has at most one of each.
"""

# `setting` only describes a field, as dataclasses.field does.
# ruff: noqa: RUF009

from __future__ import annotations

from dataclasses import dataclass

from config.declare import RESTART, setting


@dataclass(frozen=True, slots=True)
class Geo:
    """How the router turns an address into a place."""

    default_site: str = setting("Site for addresses that nothing else places.")
    prefixes: dict[str, str] = setting(
        "Address prefixes (CIDR) to sites; the longest prefix wins, before any database.",
        default_factory=dict,
        example="10.1.0.0/16: fra",
    )
    database: str = setting("MaxMind-format file; reloaded when it changes.", "", unit="path")
    trusted_proxies: tuple[str, ...] = setting(
        "Prefixes of proxies whose Forwarded or X-Forwarded-For is believed.", ()
    )
    database_ipv6: str = setting(
        "A second file for IPv6 addresses, where databases come split.", "", unit="path"
    )
    table: str = setting(
        "CSV file of prefix,site lines; prefixes above come first. Reloaded when it changes.",
        "",
        unit="path",
    )


@dataclass(frozen=True, slots=True)
class Dns:
    """The zone that routers answer for."""

    zone: str = setting(
        "Name of the zone, such as cdn.example.net; empty: none.", "", applies=RESTART
    )
    nameservers: tuple[str, ...] = setting(
        "Host names of its servers, as delegated; those inside the zone need an address in hosts.",
        (),
    )
    hostmaster: str = setting("Mailbox of whoever runs it, written as a name.", "")
    names: tuple[str, ...] = setting(
        "Names under the zone that lead to the best edges; @ is the zone itself, * any label.",
        ("@", "*"),
    )
    hosts: dict[str, str] = setting(
        "Other names under the zone to their address.", default_factory=dict
    )
    ttl_seconds: int = setting(
        "How long resolvers keep an answer.", 20, unit="seconds", minimum=1, maximum=86_400
    )
    answers: int = setting("Edges in an answer.", 2, minimum=1, maximum=16)
    responses_per_second: int = setting(
        "Answers per second to one client network over UDP (RRL); 0: no limit.", 0, minimum=0
    )
