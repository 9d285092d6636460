"""Clients that mean harm, in a process of their own.

    python -m scripts.benchmark.players.floods PORTS KIND SECONDS COUNT PATH

They hold COUNT connections of KIND to each edge for so long, open another for each that ends, and
print how many they opened.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

from scripts.benchmark.launch import HOST

_ONE_BYTE_SECONDS: Final = 1.0
_SIP_BYTES: Final = 1024
_SMALL_BUFFER_BYTES: Final = 4096
_AGAIN_SECONDS: Final = 0.01
_NETWORK: Final = "127.9.0."
_ADDRESSES: Final = 200
"""They come from so many addresses, each with its own ports."""

Harm = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


async def hold(reader: asyncio.StreamReader, _: asyncio.StreamWriter, __: str) -> None:
    """Say nothing."""
    await reader.read()


async def slow_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    """A request that never comes to its end, a byte a second."""
    yes = itertools.chain(f"GET {path} HTTP/1.1\r\n", itertools.cycle("X-More: more\r\n"))
    await _drip(reader, writer, yes)


async def slow_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    """Much content is announced, and comes a byte a second."""
    writer.write(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n".encode())
    await _drip(reader, writer, itertools.cycle("x"))


async def slow_reader(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
) -> None:
    """A whole film is asked for, and taken by sips."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    async for _ in _sips(reader):
        await asyncio.sleep(_ONE_BYTE_SECONDS)


async def _sips(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while sip := await reader.read(_SIP_BYTES):
        yield sip


KINDS: Final[Mapping[str, Harm]] = {
    "connections": hold,
    "slow-heads": slow_head,
    "slow-bodies": slow_body,
    "slow-readers": slow_reader,
}


async def _drip(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, letters: Iterator[str]
) -> None:
    ended = asyncio.ensure_future(reader.read())
    try:
        for letter in letters:
            if ended.done():
                return
            writer.write(letter.encode())
            await writer.drain()
            await asyncio.sleep(_ONE_BYTE_SECONDS)
    finally:
        ended.cancel()


async def flood(ports: Sequence[int], kind: str, seconds: float, count: int, path: str) -> int:
    """Do harm for so long; how many connections it took."""
    opened = 0

    async def one(number: int) -> None:
        nonlocal opened
        address = f"{_NETWORK}{number % _ADDRESSES + 1}"
        while True:
            try:
                reader, writer = await _connect(address, ports[number % len(ports)])
            except OSError:
                await asyncio.sleep(_ONE_BYTE_SECONDS)
                continue
            opened += 1
            try:
                await KINDS[kind](reader, writer, path)
            except OSError:
                pass
            finally:
                writer.close()
            await asyncio.sleep(_AGAIN_SECONDS)

    attackers = [asyncio.ensure_future(one(number)) for number in range(count * len(ports))]
    await asyncio.sleep(seconds)
    for each in attackers:
        each.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)
    return opened


async def _connect(address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
    made.setblocking(False)
    try:
        made.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(made, (HOST, port))
        return await asyncio.open_connection(sock=made, limit=_SMALL_BUFFER_BYTES)
    except BaseException:
        made.close()
        raise


def main() -> None:
    """One kind of harm."""
    listed, kind, seconds, count, path = sys.argv[1:]
    ports = [int(port) for port in listed.split(",")]
    opened = asyncio.run(flood(ports, kind, float(seconds), int(count), path))
    print(f"{kind}: {opened} connections", flush=True)


if __name__ == "__main__":
    main()
