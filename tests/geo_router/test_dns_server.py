"""Real clients over real sockets."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import dns.asyncquery
import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from config.locating import Dns
from config.topology import Address
from geo_router.dns_limit import RateLimit
from geo_router.dns_server import DnsServer
from tests.edge.conftest import eventually
from tests.geo_router.dns_worlds import SETTINGS, dns_world
from tests.helpers.clock import FakeClock

HOST = "127.0.0.1"
PACKETS = int(os.environ.get("CINEDGE_TEST_PACKETS", "2000"))
"""Malformed packets over a real socket; the long form has 100,000."""

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


def has_read(made: DnsServer, packets: int) -> bool:
    return made.counts.udp > packets


async def test_garbage_over_both_leaves_it_serving() -> None:
    async with server() as (made, port):
        chance = random.Random(3)
        loop = asyncio.get_running_loop()
        sender, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=(HOST, port)
        )
        usual = dns.message.make_query("play.cdn.example", "A", use_edns=0).to_wire()
        for number in range(PACKETS):
            packet = bytearray(usual if number % 2 else chance.randbytes(chance.randrange(1, 100)))
            for _ in range(number % 4):
                packet[chance.randrange(len(packet))] = chance.getrandbits(8)
            sender.sendto(packet)
            if number % 32 == 31:  # what the kernel drops would test nothing
                await eventually(partial(has_read, made, number), "it keeps up")
        sender.close()
        for garbage in (b"\0", b"\0\x05hello", b"\xff\xff", b"\0\0"):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.write(garbage)
            writer.close()
        query = dns.message.make_query("play.cdn.example", "A")
        assert (await dns.asyncquery.udp(query, HOST, port=port, timeout=5)).answer
        assert (await dns.asyncquery.tcp(query, HOST, port=port, timeout=5)).answer
        assert made.counts.failed == 0
        assert made.counts.udp == PACKETS + 1


async def ask_with(program: str, port: int, *words: str) -> str:
    """What a real client prints; skips where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    words = ("+time=5", "+tries=1", *words) if program == "dig" else ("+time=5", "+retry=0", *words)
    process = await asyncio.create_subprocess_exec(
        path, f"@{HOST}", "-p", str(port), *words,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, told
    return told.decode()


@pytest.mark.parametrize("program", ["dig", "kdig"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["+subnet=10.1.2.0/24", "play.cdn.example", "A"], "10.1.2.0/24/25"),
        (["+subnet=2001:db8:7::/48", "play.cdn.example", "A"], "2001:db8:7::/48/32"),
        (["+subnet=10.1.2.128/25", "play.cdn.example", "A"], "192.0.2.4"),
        (["+subnet=0.0.0.0/0", "play.cdn.example", "A"], "0.0.0.0/0/0"),
        (["x.y.cdn.example", "A"], "status: NXDOMAIN"),
        (["+tcp", "play.cdn.example", "AAAA"], "status: NOERROR"),
        (["cdn.example", "SOA"], "ns1.cdn.example. ops.example.net."),
        (["example.org", "A"], "status: REFUSED"),
    ],
)
async def test_real_clients_understand_the_answers(
    program: str, words: list[str], expected: str
) -> None:
    async with server() as (_, port):
        told = await ask_with(program, port, *words)
    # The two programs write the status with and without a blank.
    assert expected.replace(" ", "") in told.replace(" ", "")
    assert "WARNING: Message" not in told


@pytest.mark.parametrize("program", ["dig", "kdig"])
async def test_real_clients_come_back_over_tcp_for_what_was_truncated(program: str) -> None:
    async with server(Dns("cdn.example", nameservers=MANY)) as (made, port):
        told = await ask_with(program, port, "cdn.example", "NS")
        assert told.count(" NS ") + told.count("\tNS\t") >= 24
        assert (made.counts.udp, made.counts.tcp) == (1, 1)
