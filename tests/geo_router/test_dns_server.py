"""Real clients over real sockets."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from config.topology import Address, Dns
from geo_router.dns_limit import RateLimit
from geo_router.dns_server import DnsServer
from tests.geo_router.dns_worlds import SETTINGS, dns_world
from tests.helpers.clock import FakeClock

HOST = "127.0.0.1"
MANY = tuple(f"{'n' * 40}{number}.servers.example.net" for number in range(24))


@asynccontextmanager
async def server(
    settings: Dns = SETTINGS, per_second: int = 0
) -> AsyncIterator[tuple[DnsServer, int]]:
    made = DnsServer(dns_world(settings).answerer, RateLimit(per_second), FakeClock(5.0))
    async with made.serving(Address(HOST, 0)) as address:
        yield made, address.port


async def test_dnspython_gets_answers_over_udp_and_tcp() -> None:
    async with server() as (made, port):
        subnet = dns.edns.ECSOption("10.1.2.128", 25)
        query = dns.message.make_query("play.cdn.example", "A", use_edns=0, options=[subnet])
        over_udp = await dns.asyncquery.udp(query, HOST, port=port, timeout=5)
        over_tcp = await dns.asyncquery.tcp(query, HOST, port=port, timeout=5)
        assert over_udp.answer == over_tcp.answer
        assert [record.to_text() for record in over_udp.answer[0]] == ["192.0.2.4"]
        missing = dns.message.make_query("x.y.cdn.example", "A")
        gone = await dns.asyncquery.udp(missing, HOST, port=port, timeout=5)
        assert gone.rcode() == dns.rcode.NXDOMAIN
        assert (made.counts.udp, made.counts.tcp, made.counts.failed) == (2, 1, 0)


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    async with server(Dns("cdn.example", nameservers=MANY)) as (_, port):
        query = dns.message.make_query("cdn.example", "NS")
        answer, over_tcp = await dns.asyncquery.udp_with_fallback(query, HOST, port=port, timeout=5)
        assert over_tcp
        assert len(answer.answer[0]) == 24


async def test_a_flood_is_limited_over_udp_and_answered_over_tcp() -> None:
    async with server(per_second=3) as (made, port):
        query = dns.message.make_query("play.cdn.example", "A")
        flags = []
        for _ in range(5):
            try:
                answer = await dns.asyncquery.udp(query, HOST, port=port, timeout=0.3)
                flags.append(bool(answer.flags & dns.flags.TC))
            except dns.exception.Timeout:
                flags.append(None)  # type: ignore[arg-type]
        assert flags == [False, False, False, None, True]
        assert made.counts.limited == 2
        assert (await dns.asyncquery.tcp(query, HOST, port=port, timeout=5)).answer


async def test_garbage_over_both_leaves_it_serving() -> None:
    async with server() as (made, port):
        chance = random.Random(3)
        loop = asyncio.get_running_loop()
        sender, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(HOST, port)
        )
        for _ in range(500):
            sender.sendto(chance.randbytes(chance.randrange(1, 100)))
        sender.close()
        for garbage in (b"\0", b"\0\x05hello", b"\xff\xff", b"\0\0"):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.write(garbage)
            writer.close()
        query = dns.message.make_query("play.cdn.example", "A")
        assert (await dns.asyncquery.udp(query, HOST, port=port, timeout=5)).answer
        assert (await dns.asyncquery.tcp(query, HOST, port=port, timeout=5)).answer
        assert made.counts.failed == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["+subnet=10.1.2.0/24", "play.cdn.example", "A"], "CLIENT-SUBNET: 10.1.2.0/24/25"),
        (["+subnet=10.1.2.128/25", "play.cdn.example", "A"], "192.0.2.4"),
        (["x.y.cdn.example", "A"], "status: NXDOMAIN"),
        (["+tcp", "play.cdn.example", "AAAA"], "status: NOERROR"),
        (["cdn.example", "SOA"], "ns1.cdn.example. ops.example.net."),
        (["example.org", "A"], "status: REFUSED"),
    ],
)
async def test_dig_understands_the_answers(words: list[str], expected: str) -> None:
    dig = shutil.which("dig")
    if dig is None:
        pytest.skip("dig is not installed")
    async with server() as (_, port):
        process = await asyncio.create_subprocess_exec(
            dig, f"@{HOST}", "-p", str(port), "+time=5", "+tries=1", *words,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        told, _ = await process.communicate()
        assert process.returncode == 0
        assert expected in told.decode()
        assert "WARNING: Message" not in told.decode()
