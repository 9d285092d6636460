"""Checks on tiers: peers and shields exist, know each other by a key, and are asked by somebody.

That nobody asks in a circle needs no check: peers ask shields, shields ask upstreams, and neither
can be said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.complaints import did_you_mean
from config.findings import Check, Finding
from config.topology import Topology


def shields_are_shields(topology: Topology) -> Iterator[Finding]:
    """What a site lists as its shields are edges with that role, each named once."""
    roles = {edge.name: edge.role for edge in topology.edges}
    known = [name for name, role in roles.items() if role == "shield"]
    for number, site in enumerate(topology.sites):
        for place, name in enumerate(site.shields):
            path = f"sites[{number}].shields[{place}]"
            if name not in roles:
                hint = did_you_mean(name, known) if known else "list it under edges"
                yield Finding(path, f"no edge is named {name!r}", hint)
            elif roles[name] != "shield":
                message = f"edge {name!r} takes viewers and is no shield"
                yield Finding(path, message, "give it the role shield")
            elif name in site.shields[:place]:
                yield Finding(path, f"{name!r} is listed twice", "remove it")


def shields_are_asked(topology: Topology) -> Iterator[Finding]:
    """A shield serves some site with edges that take viewers: its own kind does not ask it."""
    inhabited = {edge.site for edge in topology.open_edges()}
    asked = {name for site in topology.sites if site.name in inhabited for name in site.shields}
    for number, edge in enumerate(topology.edges):
        if edge.role == "shield" and edge.name not in asked:
            message = f"nobody asks shield {edge.name!r}; other shields never would"
            hint = "list it under shields of a site that has edges for viewers"
            yield Finding(f"edges[{number}].role", message, hint)


def tiers_have_a_key(topology: Topology) -> Iterator[Finding]:
    """Edges that ask each other sign their questions."""
    for number, site in enumerate(topology.sites):
        signs = any(key.dialect == "native" for key in topology.token_keys)
        if (site.peers or site.shields) and not signs:
            name = "peers" if site.peers else "shields"
            message = "edges know each other by a signature, and there is no key that signs"
            yield Finding(f"sites[{number}].{name}", message, "list a key under token_keys")


CHECKS: Final[tuple[Check, ...]] = (shields_are_shields, shields_are_asked, tiers_have_a_key)
