from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.http1.chunked import LINE_BYTES_MAX, TRAILER_BYTES_MAX, ChunkedDecoder
from edge.http1.fields import FieldError


def _encoded(chunks: list[bytes], extension: bytes = b"", trailers: bytes = b"") -> bytes:
    parts = [b"%X%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks]
    return b"".join(parts) + b"0" + extension + b"\r\n" + trailers + b"\r\n"


def _decoded(stream: bytes, cuts: list[int]) -> tuple[bytes, bool, bytes]:
    """Content, whether it ended, and what follows it, of a stream that comes in pieces."""
    decoder = ChunkedDecoder()
    content, rest, start = b"", b"", 0
    for stop in [*sorted(cuts), len(stream)]:
        piece, start = stream[start:stop], max(start, stop)
        if decoder.done:
            rest += piece
        else:
            content += b"".join(decoder.feed(piece))
            rest = decoder.rest
    return content, decoder.done, rest


chunk_lists = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
extensions = st.sampled_from([b"", b";a", b";a=b", b'; a="b c" ; d', b" \t;a"])
trailer_blocks = st.sampled_from([b"", b"A: b\r\n", b"Digest: x\r\nB:\r\n"])
cut_lists = st.lists(st.integers(0, 300), max_size=12)


@given(chunk_lists, extensions, trailer_blocks, st.binary(max_size=10), cut_lists)
def test_how_a_stream_is_cut_changes_nothing(
    chunks: list[bytes], extension: bytes, trailers: bytes, beyond: bytes, cuts: list[int]
) -> None:
    stream = _encoded(chunks, extension, trailers) + beyond
    cuts = [cut for cut in cuts if cut <= len(stream)]
    assert _decoded(stream, cuts) == (b"".join(chunks), True, beyond)
    assert _decoded(stream, list(range(len(stream)))) == (b"".join(chunks), True, beyond)


@given(chunk_lists, trailer_blocks, st.data())
def test_a_stream_cut_short_is_never_done(
    chunks: list[bytes], trailers: bytes, data: st.DataObject
) -> None:
    stream = _encoded(chunks, b"", trailers)
    kept = data.draw(st.integers(0, len(stream) - 1))
    content, done, _ = _decoded(stream[:kept], [])
    assert not done
    assert b"".join(chunks).startswith(content)


@given(st.binary(max_size=60), cut_lists)
def test_arbitrary_bytes_give_the_same_in_pieces_as_at_once(stream: bytes, cuts: list[int]) -> None:
    def outcome(cuts: list[int]) -> tuple[bytes, bool, bytes] | None:
        try:
            return _decoded(stream, cuts)
        except FieldError:
            return None

    assert outcome([cut for cut in cuts if cut <= len(stream)]) == outcome([])


@given(chunk_lists.filter(bool), st.data())
def test_a_byte_changed_in_the_framing_never_ends_the_content_elsewhere_unseen(
    chunks: list[bytes], data: st.DataObject
) -> None:
    stream = bytearray(_encoded(chunks))
    # The CRLF after the first chunk's content.
    place = stream.index(b"\r\n") + 2 + len(chunks[0]) + data.draw(st.integers(0, 1))
    stream[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FieldError):
        _decoded(bytes(stream), [])


@pytest.mark.parametrize(
    "stream",
    [
        b"x\r\n",
        b"\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5_0\r\n",
        b"5 5\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"5\t\r\nhello\r\n0\r\n\r\n",
        b"\xd9\xa5\r\n",
        b"1000000000000000\r\n",
        b"5;a\rb\r\nhello\r\n",
        b"5;a\nb\r\nhello\r\n",
        b"5;a\0\r\nhello\r\n",
        b"5\r\nhello!\r\n",
        b"5\r\nhelloX\n0\r\n\r\n",
        b"5\r\nhello\n\r",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nA: b\r\n fold\r\n\r\n",
        b"0\r\nGET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_garbled_stream_is_an_error_however_it_comes(stream: bytes) -> None:
    with pytest.raises(FieldError):
        _decoded(stream, [])
    with pytest.raises(FieldError):
        _decoded(stream, list(range(len(stream))))


@pytest.mark.parametrize("stream", [b"5\nhello\n0\n\n", b"0\n\n", b"5\r\nhello\r\n0\r\n\n"])
def test_bare_lf_ends_nothing(stream: bytes) -> None:
    assert _decoded(stream, [])[1] is False


@pytest.mark.parametrize("cut", [0, 1, LINE_BYTES_MAX, LINE_BYTES_MAX + 1])
def test_a_line_is_bounded_whether_it_comes_whole_or_not(cut: int) -> None:
    longest = b"5;" + b"a" * (LINE_BYTES_MAX - 2)
    assert _decoded(longest + b"\r\nhello\r\n0\r\n\r\n", [cut])[:2] == (b"hello", True)
    with pytest.raises(FieldError):
        _decoded(longest + b"a\r\nhello\r\n0\r\n\r\n", [cut])
    with pytest.raises(FieldError):
        _decoded(longest + b"aaa", [cut])


def test_trailers_are_bounded() -> None:
    line = b"A: " + b"b" * 1019 + b"\r\n"
    fitting = TRAILER_BYTES_MAX // len(line) - 1
    assert _decoded(_encoded([], b"", line * fitting), [])[1]
    with pytest.raises(FieldError):
        _decoded(_encoded([], b"", line * (fitting + 2)), [])


def test_small_chunks_in_large_pieces_cost_no_more_than_their_number() -> None:
    stream = b"1\r\na\r\n" * 200_000
    piece_bytes = 64 * 1024

    def seconds(stream: bytes) -> float:
        decoder = ChunkedDecoder()
        started = time.process_time()
        count = sum(
            len(piece)
            for start in range(0, len(stream), piece_bytes)
            for piece in decoder.feed(stream[start : start + piece_bytes])
        )
        assert count == len(stream) // 6
        return time.process_time() - started

    assert seconds(stream) < 2.0
