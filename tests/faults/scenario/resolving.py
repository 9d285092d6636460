"""One question to the router's DNS, asked again when nobody answers, as resolvers do."""

from __future__ import annotations

from typing import Final

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype

HOST: Final = "127.0.0.1"
TRY_SECONDS: Final = 1.0
TRIES: Final = 3


async def resolve(name: str, port: int, from_address: str) -> tuple[list[str], str]:
    """The addresses of a name, in order, for who asks from an address; without any, why."""
    said = ""
    for _ in range(TRIES):
        query = dns.message.make_query(name, dns.rdatatype.A)
        try:
            answer = await dns.asyncquery.udp(
                query, HOST, port=port, source=from_address, timeout=TRY_SECONDS
            )
        except (OSError, dns.exception.DNSException) as error:
            said = f"no answer of DNS: {error!r}"
            continue
        records = [record for rrset in answer.answer for record in rrset]
        said = f"DNS says {dns.rcode.to_text(answer.rcode())} and no address"
        return [str(getattr(record, "address", record)) for record in records], said
    return [], said
