"""Records of what an edge stores and reuses, whom it believes behind it, and who believes it.

Parts of `config.topology`: a route, a process or the settings of an edge hold them.
"""

# `setting` only describes a field, as dataclasses.field does.

from __future__ import annotations

from dataclasses import dataclass

from config.declare import RESTART, setting


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


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificate and key of a process; both files are read again when they change."""

    certificate: str = setting(
        "File with the certificate and the chain behind it, in PEM.", unit="path", applies=RESTART
    )
    key: str = setting(
        "File with its private key, in PEM, without a password.", unit="path", applies=RESTART
    )
    oldest_version: str = setting(
        "Oldest version of TLS that is spoken; players from before 2019 know no 1.3.",
        "TLSv1.2",
        choices=("TLSv1.2", "TLSv1.3"),
        applies=RESTART,
    )
    hsts_seconds: int = setting(
        "How long browsers are told to come by https only (Strict-Transport-Security, RFC 6797), "
        "this host for all its ports; 0: they are told nothing.",
        0,
        unit="seconds",
        minimum=0,
        applies=RESTART,
    )
