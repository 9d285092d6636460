"""Targets that read one field of a request or of an answer."""

from __future__ import annotations

from typing import Final

from cdnkit.cache_control import parse_cache_control, parse_targeted
from cdnkit.dates import format_http_date, parse_http_date
from cdnkit.digests import choose_algorithm, format_digest_field, parse_digest_field
from cdnkit.errors import BadRequestError
from cdnkit.fields import split_list
from cdnkit.ranges import Multi, Single, lay_out_multipart, parse_content_range, plan_ranges
from cdnkit.structured import parse_dictionary, parse_item, parse_list
from cdnkit.validators import Validators, evaluate, range_applies
from scripts.fuzz.target import Target, require, text_of, vectors

_NOW: Final = 1_900_000_000.0
_SIZES: Final = (0, 1, 1000, 10_000_000_000)
_PARTS_BYTES_MAX: Final = 16 * 1024
"""Heads of the parts of one answer: what many small ranges may cost beside their bytes."""
_CONDITIONS: Final = (
    *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"),
)
_ETAGS: Final = (b'"a", W/"b"', b"*", b"Sun, 06 Nov 1994 08:49:37 GMT", b'"a"')


def read_ranges(data: bytes) -> None:
    """Range: what is answered lies inside, and is never much more than the whole."""
    text = text_of(data)
    for size_bytes in _SIZES:
        plan = plan_ranges(text, size_bytes)
        intervals: tuple[tuple[int, int], ...] = ()
        if isinstance(plan, Single):
            intervals = ((plan.start, plan.stop),)
        elif isinstance(plan, Multi):
            intervals = plan.parts
            layout = lay_out_multipart(intervals, size_bytes, "video/mp4", "b" * 24)
            most = 2 * size_bytes + _PARTS_BYTES_MAX
            require(layout.content_length <= most, "much more than the object")
        require(all(0 <= a < b <= size_bytes for a, b in intervals), "outside of the object")
    parse_content_range(text)


def read_cache_control(data: bytes) -> None:
    """Directives of one line and of two, and as a structured dictionary."""
    control = parse_cache_control([data])
    require(parse_cache_control([data]) == control, "the same line reads otherwise")
    first, _, second = data.partition(b"\n")
    parse_cache_control([first, second])
    parse_targeted(data.decode("latin-1"))


def read_date(data: bytes) -> None:
    """HTTP dates, written and read again."""
    text = text_of(data)
    moment = parse_http_date(text, _NOW)
    if moment is not None:
        require(parse_http_date(format_http_date(moment), _NOW) == moment, "round trip")


def read_structured(data: bytes) -> None:
    """Structured fields and what is read from them."""
    text = text_of(data)
    parse_dictionary(text)
    parse_list(text)
    parse_item(text)
    choose_algorithm(text)
    digests = parse_digest_field(text)
    require(parse_digest_field(format_digest_field(digests)) == digests, "round trip")


def read_conditions(data: bytes) -> None:
    """If-Match and the others, each and together."""
    text = text_of(data)
    current = Validators('"a"', 1_800_000_000)
    for name in _CONDITIONS:
        evaluate("GET", {name: text}, current)
    evaluate("PUT", dict.fromkeys(_CONDITIONS, text), None)
    range_applies(text, current, None)
    split_list(text)


TARGETS: Final = (
    Target(
        "ranges",
        read_ranges,
        [*vectors("ranges", "header", "range"), b"bytes=0-99,200-299,-1", b"bytes 0-9/10"],
        (b"bytes=", b"0-", b"-1", b"0-0,", b",", b"bytes ", b"/*", b"9" * 4400),
    ),
    Target(
        "cache-control",
        read_cache_control,
        [b'max-age=60, private="set-cookie", s-maxage=1', b"no-cache, stale-if-error=5"],
        (b"max-age=", b"s-maxage", b"no-store", b'"', b"\\", b"public", b"=", b"stale-if-error"),
    ),
    Target("dates", read_date, [*vectors("dates", "text"), _ETAGS[2]],
           (b"GMT", b"Sun, ", b"Nov", b"99", b":60", b"-")),
    Target(
        "structured",
        read_structured,
        [b"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", b'("a" b);c=?1, 1.5'],
        (b":YQ==:", b"sha-256=", b"?1", b"(", b")", b"@1", b'%"', b"1.0", b";"),
        (BadRequestError,),
    ),
    Target("conditions", read_conditions, _ETAGS, (b'"', b"W/", b",", b"*", b"GMT")),
)  # fmt: skip
