"""What has to hold between the records of a topology, all of it, as one list of checks.

Pure: takes records, yields findings by path; the reader adds file and line. Here stand the checks
on names, origins, routes and credentials; addresses and places have modules of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from config import check_addresses, check_places, check_tiers
from config.check_addresses import is_loopback
from config.findings import Check, Finding, duplicates
from config.token_keys import TokenKey
from config.topology import EdgeSettings, Route, Topology

SECRET_LENGTH_MIN: Final = 16
JWT_SECRET_LENGTH_MIN: Final = 32
TOKEN_LENGTH_MIN: Final = 8
SHARES_MAX: Final = 0.99
_BEARER: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_PREFIX: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%-]+/)*[A-Za-z0-9._~!$&'()*+,;=:@%-]*")


def check_topology(topology: Topology) -> list[Finding]:
    """Everything that cannot be; empty when the topology can be used."""
    return [finding for check in _CHECKS for finding in check(topology)]


def _node_names_differ(topology: Topology) -> Iterator[Finding]:
    yield from duplicates((f"{path}.name", node.name) for path, node in topology.nodes())


def _volumes_can_hold_the_copies(topology: Topology) -> Iterator[Finding]:
    for number, origin in enumerate(topology.origins):
        path = f"origins[{number}]"
        yield from duplicates(
            (f"{path}.volumes[{place}].name", volume.name)
            for place, volume in enumerate(origin.volumes)
        )
        if origin.volumes and all(volume.weight == 0 for volume in origin.volumes):
            message = "every volume has weight 0, so nothing can be stored"
            yield Finding(f"{path}.volumes", message, "give one a weight above 0")
        if origin.object_store is not None:
            if origin.copies != 1:
                message = "how many copies there are is the object store's own setting"
                yield Finding(f"{path}.copies", message, "leave it out")
            continue
        count = len(origin.volumes) or 1
        if origin.copies > count:
            message = f"{origin.copies} copies need as many volumes, there are {count}"
            yield Finding(f"{path}.copies", message, "list more volumes or keep fewer copies")


def _edges_have_disks(topology: Topology) -> Iterator[Finding]:
    for number, edge in enumerate(topology.edges):
        if not edge.disks:
            yield Finding(
                f"edges[{number}].disks",
                "an edge needs a directory for its blocks",
                "add `- path: DIR`",
            )


def _urls_say_how_to_connect(topology: Topology) -> Iterator[Finding]:
    for path, node in topology.nodes():
        if node.tls is not None and node.url.startswith("http:"):
            message = "who goes by it would not use TLS, and the process takes nothing else"
            yield Finding(f"{path}.url", message, "write https://")


def _blocks_are_powers_of_two(topology: Topology) -> Iterator[Finding]:
    settings: list[tuple[str, EdgeSettings]] = [("edge_settings", topology.edge_settings)]
    for number, edge in enumerate(topology.edges):
        if edge.settings.block_bytes != topology.edge_settings.block_bytes:
            settings.append((f"edges[{number}].settings", edge.settings))
    for path, each in settings:
        size = each.block_bytes
        if size.bit_count() != 1:
            below = 1 << max(size.bit_length() - 1, 0)
            hint = f"the nearest are {below} and {below * 2}"
            yield Finding(f"{path}.block_bytes", f"{size} is not a power of two", hint)


def _shares_leave_room(topology: Topology) -> Iterator[Finding]:
    said = [("edge_settings.eviction", topology.edge_settings.eviction)]
    for number, edge in enumerate(topology.edges):
        if edge.settings.eviction != topology.edge_settings.eviction:
            said.append((f"edges[{number}].settings.eviction", edge.settings.eviction))
        for place, disk in enumerate(edge.disks):
            if disk.eviction is not None:
                said.append((f"edges[{number}].disks[{place}].eviction", disk.eviction))
    for path, eviction in said:
        shares = eviction.shares
        yield from duplicates(
            (f"{path}.shares[{place}].prefix", each.prefix) for place, each in enumerate(shares)
        )
        for place, each in enumerate(shares):
            if not _PREFIX.fullmatch(each.prefix):
                message = f"{each.prefix!r} is not a path"
                yield Finding(f"{path}.shares[{place}].prefix", message, "write it like /posters/")
        total = sum(each.share for each in shares)
        if total > SHARES_MAX:
            message = f"the shares come to {total:g}, which leaves nothing for everything else"
            yield Finding(f"{path}.shares", message, f"let them come to {SHARES_MAX:g} at most")


def _routes_are_clear(topology: Topology) -> Iterator[Finding]:
    in_use = bool(topology.edges) or topology.routes != (Route(),)
    first: dict[str, str] = {}
    for number, route in enumerate(topology.routes):
        path = f"routes[{number}]"
        if route.prefix in first:
            message = f"{route.prefix!r} is already the prefix of {first[route.prefix]}"
            yield Finding(f"{path}.prefix", message, "remove one of them")
        first.setdefault(route.prefix, path)
        if not _PREFIX.fullmatch(route.prefix) or "/../" in f"{route.prefix}/":
            message = f"{route.prefix!r} is not a path"
            yield Finding(f"{path}.prefix", message, "write it like / or /films/")
        if in_use and not route.upstream and not topology.origins:
            message = "leads nowhere: it names no upstream and there is no origin"
            yield Finding(f"{path}.upstream", message, "name one, or list an origin under origins")
        if route.token and not topology.token_keys:
            message = "asks for tokens, and there is no key that signs them"
            yield Finding(f"{path}.token", message, "list a key under token_keys")


def _keys_are_usable(topology: Topology) -> Iterator[Finding]:
    yield from duplicates((f"token_keys[{i}].id", k.id) for i, k in enumerate(topology.token_keys))
    for number, key in enumerate(topology.token_keys):
        path = f"token_keys[{number}]"
        if "." in key.id:
            yield Finding(
                f"{path}.id", "a key id holds letters, digits, - and _", "take the dots out"
            )
        yield from _key_fits_its_algorithm(key, path)


def _key_fits_its_algorithm(key: TokenKey, path: str) -> Iterator[Finding]:
    if key.dialect == "native" and key.algorithm != "HS256":
        yield Finding(f"{path}.algorithm", "native tokens are signed with HS256", "leave it out")
    elif key.algorithm.endswith("GCM") and key.dialect != "jwt":
        yield Finding(f"{path}.algorithm", "only a jwt has encrypted parts", "take another")
    if key.algorithm in ("ES256", "EdDSA"):
        if not key.public_key.lstrip().startswith("-----BEGIN PUBLIC KEY-----"):
            message = f"{key.algorithm} verifies with a public key in PEM form"
            yield Finding(f"{path}.public_key", message, "`openssl pkey -pubout` writes it")
        return
    signs_jwt = key.dialect == "jwt" and key.algorithm == "HS256"
    least = JWT_SECRET_LENGTH_MIN if signs_jwt else SECRET_LENGTH_MIN
    if key.secret.lstrip().startswith("-----BEGIN"):
        message = "a key in PEM form is no secret"
        yield Finding(f"{path}.secret", message, "give it as public_key, with its algorithm")
    elif len(key.secret) < least:
        message = f"the key is shorter than {least} characters"
        yield Finding(path, message, "`openssl rand -hex 32` makes a good one")


def _bearer_tokens_are_usable(topology: Topology) -> Iterator[Finding]:
    tokens = topology.access_tokens
    yield from duplicates((f"access_tokens[{i}].name", t.name) for i, t in enumerate(tokens))
    seen: dict[str, str] = {}
    for number, token in enumerate(tokens):
        path = f"access_tokens[{number}]"
        if not token.scopes:
            yield Finding(f"{path}.scopes", "a token without a scope allows nothing", "add upload")
        if len(token.secret) < TOKEN_LENGTH_MIN or not _BEARER.fullmatch(token.secret):
            message = (
                f"the token needs at least {TOKEN_LENGTH_MIN} characters out of letters, digits "
                "and -._~+/, with '=' only at the end (RFC 6750 2.1)"
            )
            yield Finding(path, message, "`openssl rand -hex 32` makes a good one")
        elif token.secret in seen:
            yield Finding(path, f"holds the same secret as {seen[token.secret]}", "make another")
        seen.setdefault(token.secret, path)


def _public_origins_ask_for_tokens(topology: Topology) -> Iterator[Finding]:
    if any("upload" in token.scopes for token in topology.access_tokens):
        return
    for number, origin in enumerate(topology.origins):
        if origin.listen.host and not is_loopback(origin.listen.host):
            message = "others can reach this address, and no access token has the scope 'upload'"
            yield Finding(f"origins[{number}].listen", message, "list one under access_tokens")


_CHECKS: Final[tuple[Check, ...]] = (
    _node_names_differ,
    *check_places.CHECKS,
    *check_addresses.CHECKS,
    *check_tiers.CHECKS,
    _volumes_can_hold_the_copies,
    _edges_have_disks,
    _urls_say_how_to_connect,
    _blocks_are_powers_of_two,
    _shares_leave_room,
    _routes_are_clear,
    _keys_are_usable,
    _bearer_tokens_are_usable,
    _public_origins_ask_for_tokens,
)
