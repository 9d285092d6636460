"""What the lane does with sockets and bytes, in the form that is in use: of Python, or of C."""

from __future__ import annotations

import contextlib
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import primitives
from edge.connection import Connection
from edge.primitives import Lines, Primitives

pytestmark = pytest.mark.both_forms

DIGITS = st.text("0123456789", max_size=20)
TEXTS = st.binary(max_size=40)


def primitive(name: str) -> Callable[..., Any]:
    """One of them as Python calls it; those of C are not its attributes."""
    return cast(
        Callable[..., Any], getattr(Primitives, name, None) or getattr(primitives, f"call_{name}")
    )


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and the socket of its client."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield Connection(cast(Any, None), ours, ours.fileno(), ""), theirs


class Channel:
    """A channel that takes half of everything, and writes down what."""

    def __init__(self) -> None:
        self.taken: list[tuple[Any, ...]] = []

    def recv(self, size: int) -> bytes:
        raise NotImplementedError

    def send(self, data: bytes, flags: int) -> int:
        self.taken.append((data, flags))
        return len(data) // 2

    def send_file(self, fd: int, offset: int, size: int) -> int:
        self.taken.append((fd, offset, size))
        return size // 2


def test_what_has_come_is_read_at_once_up_to_the_size(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, client = pair
    client.sendall(b"x" * 5000)
    assert primitive("read")(connection.fd, 4096) == b"x" * 4096
    assert primitive("read")(connection.fd, 10) == b"x" * 10
    assert primitive("read")(connection.fd, 4096) == b"x" * 894


def test_a_dry_socket_is_told_from_one_that_ended(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    with pytest.raises(BlockingIOError):
        primitive("read")(connection.fd, 4096)
    client.close()
    assert primitive("read")(connection.fd, 4096) == b""
    with pytest.raises(OSError, match="Bad file descriptor"):
        primitive("read")(1 << 20, 4096)


def test_a_connection_takes_what_it_has_room_for(pair: tuple[Connection, socket.socket]) -> None:
    connection, client = pair
    taken = 0
    data = bytes(range(256)) * 256
    with contextlib.suppress(BlockingIOError):
        while taken < 1 << 30:
            taken += primitive("send")(connection, data, socket.MSG_NOSIGNAL)
    assert 0 < taken < 1 << 30
    got = b""
    while len(got) < taken:
        got += client.recv(1 << 20)
    assert got == (data * (1 + taken // len(data)))[:taken]
    client.close()
    with pytest.raises(BrokenPipeError):
        primitive("send")(connection, data, socket.MSG_NOSIGNAL)


def test_bytes_of_a_file_are_sent_from_where_it_is_said(
    pair: tuple[Connection, socket.socket], tmp_path: Path
) -> None:
    connection, client = pair
    (tmp_path / "file").write_bytes(bytes(range(256)))
    fd = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        assert primitive("send_file")(connection, fd, 250, 3) == 3
        assert primitive("send_file")(connection, fd, 254, 10) == 2
        assert primitive("send_file")(connection, fd, 256, 10) == 0
        assert client.recv(100) == bytes([250, 251, 252, 254, 255])
        assert os.lseek(fd, 0, os.SEEK_CUR) == 0
    finally:
        os.close(fd)
    with pytest.raises(OSError, match="Bad file descriptor"):
        primitive("send_file")(connection, 1 << 20, 0, 10)


def test_a_connection_with_a_channel_sends_by_that() -> None:
    channel = Channel()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(cast(Any, None), ours, ours.fileno(), "", cast(Any, channel))
        assert primitive("send")(connection, b"12345678", socket.MSG_MORE) == 4
        assert primitive("send_file")(connection, 7, 1 << 40, 100) == 50
    assert channel.taken == [(b"12345678", socket.MSG_MORE), (7, 1 << 40, 100)]


@given(st.binary(max_size=12))
def test_a_target_ends_at_the_first_space_behind_the_method(data: bytes) -> None:
    spaced = data.replace(b"s", b" ")
    assert primitive("target_end")(spaced) == spaced.find(b" ", 4)


@given(
    st.one_of(st.builds("{}-{}".format, DIGITS, DIGITS), st.text("0123456789-, x", max_size=12)),
    st.integers(1, 1 << 60),
)
def test_an_interval_lies_within_the_content_and_is_shown_as_asked_only_if_it_is_that(
    digits: str, size_bytes: int
) -> None:
    start, stop, is_shown = primitive("interval")(digits.encode(), size_bytes)
    told = re.fullmatch(r"([0-9]{1,18})-([0-9]{0,18})", digits)
    if told is None:
        assert (start, stop, is_shown) == (0, 0, False)
        return
    assert start == int(told[1])
    assert stop == min(int(told[2] or size_bytes) + 1, size_bytes)
    if is_shown:
        assert digits == f"{start}-{stop - 1}"
    elif stop < size_bytes:
        assert digits.startswith("0") or told[2].startswith("0")


@given(st.integers(0, (1 << 63) - 1))
def test_hexadecimal_is_that_of_python(number: int) -> None:
    assert primitive("hexadecimal")(number) == b"%x" % number


@given(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS))
def test_joined_texts_stand_one_behind_the_other(texts: tuple[bytes, ...]) -> None:
    assert primitive("joined")(*texts) == b"".join(texts)


@given(st.lists(st.lists(st.lists(TEXTS, min_size=8, max_size=8), max_size=30), max_size=4))
def test_lines_are_taken_once_in_their_order(lots: list[list[list[bytes]]]) -> None:
    lines = Lines()
    for lot in lots:
        for texts in lot:
            lines.add(*texts)
        assert lines.count == len(lot)
        assert lines.take() == b"".join(map(b"".join, lot))
        assert lines.count == 0
        assert lines.take() == b""


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("send", (None, 0)),
        ("target_end", (None,)),
        ("interval", (None, 9)),
        ("joined", (b"a", b"b", None, b"d", b"e", b"f")),
    ],
)
def test_nothing_in_place_of_bytes_raises(
    pair: tuple[Connection, socket.socket], name: str, given: tuple[Any, ...]
) -> None:
    before = pair[:1] if name == "send" else ()
    with pytest.raises((TypeError, AttributeError)):
        primitive(name)(*before, *given)
