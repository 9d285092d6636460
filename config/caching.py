"""Records of what an edge stores and reuses, and whom it believes behind it.

Parts of `config.topology`: a route or the settings of an edge hold them.
"""

# `setting` only describes a field, as dataclasses.field does.

from __future__ import annotations

from dataclasses import dataclass

from config.declare import setting


@dataclass(frozen=True, slots=True)
class Caching:
    """What RFC 9111 leaves to a cache: a profile, and choices that depart from it."""

    profile: str = setting(
        "cdn: what a careful operator of a public edge wants; rfc: whatever RFC 9111 allows is "
        "stored and reused.",
        "cdn",
        choices=("cdn", "rfc"),
    )
    store_set_cookie: bool | None = setting(
        "Keep answers that set cookies, and give the cookie to everybody; left out: no in cdn, "
        "yes in rfc.",
        None,
    )
    honour_request_directives: bool | None = setting(
        "Obey Cache-Control of requests, so that clients can force misses; left out: no in cdn, "
        "yes in rfc.",
        None,
    )
    stale_when_origin_fails: bool | None = setting(
        "Serve stale answers for up to a day while every upstream fails, where they do not forbid "
        "it; left out: yes. stale-if-error is obeyed in any case.",
        None,
    )
    unknown_transfer_codings: bool | None = setting(
        "Take content under a transfer coding other than chunked for what it is, up to the close "
        "of the connection; left out: no (502) in cdn, yes in rfc.",
        None,
    )


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """How upstreams reached by https prove who they are."""

    ca: str = setting(
        "File with the certificate authorities to believe, in PEM; empty: the system's.",
        "",
        unit="path",
    )
    name: str = setting(
        "Name to ask for (SNI) and to find in the certificate; empty: the host of the URL.", ""
    )
