"""What the zone holds: which names exist and who they lead to.

Names of the CDN get the addresses of the best edges, by the same choice as redirects; everything
else is a small fixed zone (SOA, NS, hosts). How questions and answers look in bytes is
`dns_answer`'s part. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from cdnkit.errors import BadRequestError
from config.locating import Dns
from config.topology import EdgeNode
from geo_router.choose import Candidate, edge_url
from geo_router.families import Families
from geo_router.place import Place

_SOA_REFRESH_SECONDS: Final = 3600
_FIXED_TTL_SECONDS: Final = 3600
_CANDIDATES_MAX: Final = 16
_VERSIONS: Final = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome for a name and type. `by_place`: whether it depends on who asks."""

    rcode: dns.rcode.Rcode
    answer: tuple[dns.rrset.RRset, ...] = ()
    authority: tuple[dns.rrset.RRset, ...] = ()
    by_place: bool = False


class Zone:
    """One zone over the live fleet."""

    def __init__(self, settings: Dns, edges: Sequence[EdgeNode], families: Families) -> None:
        """Raises BadRequestError for names or addresses that are none."""
        self._settings = settings
        self._families = families
        try:
            self.origin = dns.name.from_text(settings.zone).canonicalize()
            self._names = {self._absolute(name) for name in settings.names if name != "*"}
            self._hosts = {
                self._absolute(name): str(ip_address(address))
                for name, address in settings.hosts.items()
            }
            servers = settings.nameservers or (f"ns.{settings.zone}",)
            self._servers = [dns.name.from_text(server) for server in servers]
            mailbox = settings.hostmaster or f"hostmaster.{settings.zone}"
            self._mailbox = dns.name.from_text(mailbox.replace("@", ".", 1))
        except (dns.exception.DNSException, ValueError) as error:
            raise BadRequestError(f"dns: {error}") from None
        self._has_wildcard = "*" in settings.names
        self._addresses = {edge.name: addresses_of(edge) for edge in edges}
        self._above = {
            name
            for known in (*self._names, *self._hosts)
            for name in _ancestors(known, self.origin)
        }

    def holds(self, name: dns.name.Name) -> bool:
        """Whether a name is ours to answer for."""
        return name.is_subdomain(self.origin)

    def resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, place: Place) -> Reply:
        """The answer for a name of this zone, for someone at a place."""
        name = name.canonicalize()
        records = self._fixed(name, kind)
        if records:
            return Reply(dns.rcode.NOERROR, (records,))
        if self._leads_to_edges(name):
            if kind in (dns.rdatatype.A, dns.rdatatype.AAAA):
                return self._edges(name, kind, place)
        elif name not in self._hosts and name not in self._above and name != self.origin:
            return Reply(dns.rcode.NXDOMAIN, authority=(self._soa(self._settings.ttl_seconds),))
        return Reply(dns.rcode.NOERROR, authority=(self._soa(self._settings.ttl_seconds),))

    @property
    def ttl_seconds(self) -> int:
        """How long answers that name edges are kept."""
        return self._settings.ttl_seconds

    def addresses(
        self, name: dns.name.Name, kind: dns.rdatatype.RdataType, place: Place
    ) -> list[str]:
        """The addresses of the best edges for a name that leads to edges, as `resolve` answers it;
        empty for any other name, and where there is none."""
        name = name.canonicalize()
        if not self.holds(name) or not self._leads_to_edges(name):
            return []
        ranked = self._ranked(name, kind, place)
        return self._best(ranked, kind) if any(each.site for each in ranked) else []

    def _edges(self, name: dns.name.Name, kind: dns.rdatatype.RdataType, place: Place) -> Reply:
        ranked = self._ranked(name, kind, place)
        if not any(candidate.site for candidate in ranked):
            # Negative answers are kept by resolvers; a failure is not.
            return Reply(dns.rcode.SERVFAIL)
        chosen = self._best(ranked, kind)
        if not chosen:
            soa = self._soa(self._settings.ttl_seconds)
            return Reply(dns.rcode.NOERROR, authority=(soa,), by_place=True)
        records = _rrset(name, self._settings.ttl_seconds, kind, chosen)
        return Reply(dns.rcode.NOERROR, (records,), by_place=True)

    def _ranked(
        self, name: dns.name.Name, kind: dns.rdatatype.RdataType, place: Place
    ) -> Sequence[Candidate]:
        chooser = self._families.choosers[_VERSIONS[kind]]
        key = "/" + name.relativize(self.origin).to_text()
        return chooser.choose(place, key, _CANDIDATES_MAX).candidates

    def _best(self, ranked: Sequence[Candidate], kind: dns.rdatatype.RdataType) -> list[str]:
        version = _VERSIONS[kind]
        usable = [
            (candidate, address)
            for candidate in ranked
            for address in self._addresses.get(candidate.edge, {}).get(version, ())
        ]
        if not usable:
            return []
        best = usable[0][0]
        # A second address only from the same place: clients pick one by chance.
        chosen = [
            address
            for candidate, address in usable
            if (candidate.site, candidate.rung) == (best.site, best.rung)
        ]
        return chosen[: self._settings.answers]

    def _fixed(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        if name == self.origin:
            if kind == dns.rdatatype.SOA:
                return self._soa(_FIXED_TTL_SECONDS)
            if kind == dns.rdatatype.NS:
                texts = [server.to_text() for server in self._servers]
                return _rrset(name, _FIXED_TTL_SECONDS, kind, texts)
        address = self._hosts.get(name)
        if address is not None:
            own = dns.rdatatype.AAAA if ":" in address else dns.rdatatype.A
            if kind == own:
                return _rrset(name, _FIXED_TTL_SECONDS, kind, [address])
        return None

    def _leads_to_edges(self, name: dns.name.Name) -> bool:
        if name in self._hosts:
            return False
        return name in self._names or (
            self._has_wildcard and len(name) == len(self.origin) + 1 and name not in self._above
        )

    def _soa(self, ttl_seconds: int) -> dns.rrset.RRset:
        serial = int(self._families.changed_at) % 2**32
        text = (
            f"{self._servers[0]} {self._mailbox} {serial} {_SOA_REFRESH_SECONDS} 600 604800 "
            f"{self._settings.ttl_seconds}"
        )
        return _rrset(self.origin, ttl_seconds, dns.rdatatype.SOA, [text])

    def _absolute(self, name: str) -> dns.name.Name:
        if name == "@":
            return self.origin
        return dns.name.from_text(name, self.origin).canonicalize()


def addresses_of(edge: EdgeNode) -> Mapping[int, tuple[str, ...]]:
    """The addresses players reach an edge by, per family: named, or those in its URL."""
    texts = edge.addresses
    if not texts:
        texts = (urlsplit(edge_url(edge)).hostname or "",)
    found: dict[int, tuple[str, ...]] = {}
    for text in texts:
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if not address.is_unspecified:
            found[address.version] = (*found.get(address.version, ()), str(address))
    return found


def _ancestors(name: dns.name.Name, origin: dns.name.Name) -> list[dns.name.Name]:
    found = []
    while len(name) > len(origin) + 1:
        name = name.parent()
        found.append(name)
    return found


def _rrset(
    name: dns.name.Name, ttl: int, kind: dns.rdatatype.RdataType, texts: Sequence[str]
) -> dns.rrset.RRset:
    records = [dns.rdata.from_text(dns.rdataclass.IN, kind, text) for text in texts]
    return dns.rrset.from_rdata_list(name, ttl, records)
