"""Targets that read what integrators and operators send: uploads, films, topologies, webhooks."""

from __future__ import annotations

from typing import Any, Final

from cdnkit.errors import BadRequestError, CinedgeError
from config.load import TopologyError, parse_topology
from config.service import Payments, StripeWebhook
from origin.domains.payments.gateway import SignatureError, Stripe
from origin.packaging.boxes import UnplayableError
from origin.packaging.headers import is_iso_media, read_movie
from origin.packaging.webvtt import check_language, check_subtitle
from origin.resumable.heads import draft_append, read_append, read_creation
from origin.resumable.tus import (
    format_metadata,
    parse_checksum,
    parse_concat,
    parse_metadata,
    parse_number,
)
from scripts.fuzz.target import BrokenError, Target, require, seed_file, text_of, vectors

_TUS_FIELDS: Final = (
    *("upload-length", "upload-offset", "upload-metadata", "upload-checksum", "upload-concat"),
    *("upload-defer-length", "content-type", "tus-resumable", "upload-complete"),
)


def read_metadata(data: bytes) -> None:
    """Upload-Metadata, written and read again."""
    values = parse_metadata(text_of(data))
    require(parse_metadata(format_metadata(values)) == values, "round trip")


def read_tus_fields(data: bytes) -> None:
    """Each line is a value of one of the fields; all together are a head."""
    values = text_of(data).split("\n")
    fields = dict(zip(_TUS_FIELDS, values, strict=False))
    fields.setdefault("tus-resumable", "1.0.0")
    for read in (_creation, _append, _draft):
        try:
            read(fields)
        except CinedgeError as error:
            require(400 <= error.status < 500, f"a client's mistake costs {error.status}")
    for parse in (parse_checksum, parse_concat, lambda text: parse_number(text, "Upload-Offset")):
        try:
            parse(values[0])
        except CinedgeError as error:
            require(400 <= error.status < 500, f"a client's mistake costs {error.status}")


def _creation(fields: dict[str, str]) -> Any:
    return read_creation(fields, 5, "me")


def _append(fields: dict[str, str]) -> Any:
    return read_append(fields, 5)


def _draft(fields: dict[str, str]) -> Any:
    return draft_append(fields, None, 0)


def read_topology(data: bytes) -> None:
    """A topology file: records, or one list of complaints."""
    parse_topology(text_of(data), {"SECRET": "k" * 40})


def read_film(data: bytes) -> None:
    """A film's boxes: a movie whose samples lie in the file, or a refusal."""
    is_iso_media(data[:16])

    def read(start: int, stop: int) -> bytes:
        require(0 <= start <= stop <= len(data), "read outside of the file")
        return data[start:stop]

    movie = read_movie(read, len(data))
    for track in movie.tracks:
        samples = track.samples
        require(len(samples.offsets) == len(samples.sizes), "columns of different length")
        for offset, size in zip(samples.offsets, samples.sizes, strict=True):
            require(offset + size <= len(data), "a sample outside of the file")


_STRIPE: Final = Stripe(Payments((), "sk_fuzz", webhook=StripeWebhook("whsec_fuzz")))


def read_webhook(data: bytes) -> None:
    """An event that Stripe did not sign."""
    signature, _, payload = data.partition(b"\n")
    _STRIPE.read_event(payload, signature.decode("latin-1"))
    raise BrokenError("an unsigned event is believed")


def read_subtitle(data: bytes) -> None:
    """A language, NUL, and WebVTT."""
    language, _, text = data.partition(b"\0")
    check_language(text_of(language))
    check_subtitle(text)


_TOPOLOGY: Final = b"""sites:
  - {name: fra, latitude: 50.1, longitude: 8.7}
origins:
  - {name: origin, listen: 127.0.0.1:8000, data: films}
edges:
  - {name: edge-1, site: fra, listen: 127.0.0.1:9001, disks: [{path: c, size_bytes: 1GB}]}
routers:
  - {name: router, listen: 127.0.0.1:8080}
token_keys: [{id: k1, secret_env: SECRET}]
geo: {default_site: fra, prefixes: {10.0.0.0/8: fra}}
"""
_BOXES: Final = (
    *(b"moov", b"trak", b"stbl", b"stsz", b"stco", b"co64", b"stsc", b"stts", b"ctts", b"elst"),
    *(
        b"moof",
        b"traf",
        b"trun",
        b"tfhd",
        b"mvex",
        b"mdat",
        b"\0\0\0\1",
        b"\0\0\0\0",
        b"\0\0\0\x08",
    ),
)
TARGETS: Final = (
    Target("tus-metadata", read_metadata, [b"name YQ==,key,type dmlkZW8vbXA0", b"a ,b YQ=="],
           (b",", b" ", b"YQ==", b"YQ", b"=", b"name "), (CinedgeError,)),
    Target(
        "tus-head",
        read_tus_fields,
        [b"5\n0\nname YQ==\nsha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\npartial\n1\n"
         b"application/offset+octet-stream\n1.0.0\n?1",
         b"crc32c YWJjZA==\n0\n\n\nfinal;/v1/uploads/aaaaaaaa /v1/uploads/bbbbbbbb"],
        (b"final;", b"partial", b"sha256 ", b"?1", b"?0", b"/v1/uploads/", b"application/", b"1"),
    ),
    Target("topology", read_topology, [_TOPOLOGY, *vectors("broken_topologies", "text", "yaml")],
           (b"&a ", b"*a", b"<<: ", b"!!python/object:os.system ", b"- ", b"{", b"]", b"? ", b"|\n",
            b"1e999", b"0o17", b"edges:", b"null", b"~", b"2026-01-01", b"127.0.0.1:", b"GB"),
           (TopologyError,), 2.0),
    Target("film", read_film, [seed_file("film.mp4"), seed_file("fragments.mp4")], _BOXES,
           (UnplayableError,), 2.0),
    Target("subtitles", read_subtitle, [b"de-CH\0WEBVTT\n\n00:00.000 --> 00:01.000\nhello"],
           (b"-->", b"WEBVTT", b"\n\n", b"\xef\xbb\xbf", b"en"), (BadRequestError,)),
    Target("webhook", read_webhook, [b't=1,v1=00\n{"id":"evt_1","object":"event"}'],
           (b"t=", b"v1=", b",", b"v0=", b"{}", b"null"), (SignatureError,)),
)  # fmt: skip
