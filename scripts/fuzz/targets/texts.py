"""Targets that read names, targets, addresses and queries of a client."""

from __future__ import annotations

import math
from typing import Final

from cdnkit.errors import BadRequestError, NotFoundError
from cdnkit.fields import FieldLines
from cdnkit.keys import parse_key
from cdnkit.service.authority import is_valid_authority, is_valid_target
from edge.cmcd import read_cmcd
from edge.http1.request import Request
from geo_router.answers import object_key, prefers_json, reduce_target, require_object_path
from geo_router.client_address import parse_forwarded, parse_node, parse_x_forwarded_for
from origin.domains.search.rules import QUERY_CHARACTERS_MAX, WORDS_MAX, read_query, readings
from scripts.fuzz.target import Target, require, text_of, vectors


def read_key(data: bytes) -> None:
    """Object keys: no part of one means anything to a file system."""
    key = parse_key(text_of(data))
    parts = key.split("/")
    require("" not in parts and ".." not in parts and "." not in parts, "a way out of the folder")
    require(key.isascii() and key.isprintable() and "\\" not in key, "an odd letter")


def read_target(data: bytes) -> None:
    """Targets and hosts, as the router and the service kit take them."""
    text = data.decode("latin-1")
    is_valid_authority(text)
    is_valid_target(text)
    prefers_json(text)
    target = require_object_path(reduce_target(text))
    require(target.startswith("/") and not target.startswith("//evil"), "not a path")
    require("\r" not in target and "\n" not in target, "a line end in a Location")
    object_key(target)


def read_hops(data: bytes) -> None:
    """Forwarded and X-Forwarded-For."""
    text = text_of(data)
    for hop in (*parse_forwarded(text), *parse_x_forwarded_for(text)):
        if hop is not None:
            parse_node(hop)


def read_player(data: bytes) -> None:
    """CMCD of a field and of the query."""
    for target, pairs in ((b"/a?CMCD=" + data, []), (b"/a", [(b"cmcd-request", data)])):
        fields = FieldLines(pairs)
        request = Request(b"GET", target, 1, b"a", pairs, fields, 0, False, True, False)
        told = read_cmcd(request)
        require(told.bitrate >= 0 and math.isfinite(told.bitrate), "no pace")


def read_search(data: bytes) -> None:
    """Search queries: bounded whatever is asked."""
    asked = read_query(text_of(data))
    require(len(asked.words) <= WORDS_MAX, "too many words")
    require(len(asked.whole) <= 3 * QUERY_CHARACTERS_MAX, "words longer than the query")
    readings(asked)
    require(all(word.year is None or word.year > 0 for word in asked.words), "no year")


TARGETS: Final = (
    Target("keys", read_key, [b"films/a.mp4", b"a/b/c/d+e=f@g,h"], (b"..", b"%2e", b".", b"//"),
           (BadRequestError,)),
    Target(
        "targets",
        read_target,
        [b"/films/a.mp4?x=1", b"http://a:80/b", b"/~1.k.W.a/b", b"[::1]:80", b"text/html;q=0.1"],
        (b"http://", b"//", b"/v1/", b"\r\n", b"@", b"*"),
        (BadRequestError, NotFoundError),
    ),
    Target(
        "forwarded",
        read_hops,
        [b'for=192.0.2.1;by="[::1]:80", for=unknown', b"1.2.3.4, [2001:db8::1]:443"],
        (b"for=", b'"', b"\\", b"[::ffff:1.2.3.4]", b"unknown", b"_a", b"%"),
    ),
    Target("cmcd", read_player, [b'br=3200,nor="a.m4s",nrr="0-9"', b"br%3D1%2Cnor%3D%22b%22"],
           (b"br=", b"nor=", b"%22", b"&", b'"../', b"bl=1")),
    Target("search", read_search, [*vectors("search_queries", "query"), b"the matrix 1999"],
           ("İ".encode(), "ﷺ".encode(), b"the ", b'"', b"*", b"AND")),
)  # fmt: skip
