"""What a successful unsafe method makes out of date (RFC 9111 4.4)."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from edge.http1.response import ResponseHead


def stale_targets(target: bytes, answer: ResponseHead, host: bytes) -> set[bytes]:
    """The target itself, and what Location and Content-Location name on the same authority."""
    targets = {target}
    for name in (b"location", b"content-location"):
        value = answer.fields.first(name)
        if value is not None:
            path = _own_path(value, target, host)
            if path is not None:
                targets.add(path)
    return targets


def names_itself(target: bytes, answer: ResponseHead, host: bytes) -> bool:
    """Does Content-Location say that the answer is what a GET of the target would bring?"""
    value = answer.fields.first(b"content-location")
    return value is not None and _own_path(value, target, host) == target


def _own_path(value: bytes, target: bytes, host: bytes) -> bytes | None:
    base = urlsplit("http://" + host.decode("latin-1") + target.decode("latin-1"))
    try:
        url = urlsplit(urljoin(base.geturl(), value.decode("latin-1")))
    except ValueError:
        return None
    if url.netloc.lower() != base.netloc.lower():
        return None
    return (url.path + ("?" + url.query if url.query else "")).encode("latin-1")
