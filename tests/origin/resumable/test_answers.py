"""Errors are answered in the protocol that was spoken."""

from __future__ import annotations

import json

from tests.origin.conftest import RunningOrigin
from tests.origin.resumable.test_handlers import TUS, call, create, patch


async def test_tus_hears_its_version_on_every_refusal(origin: RunningOrigin) -> None:
    for method, url in (("POST", "/v1/uploads"), ("PATCH", "/v1/uploads/unknown-1")):
        status, headers, body = await call(origin, method, url, **TUS)
        assert 400 <= status < 500
        assert headers["Tus-Resumable"] == "1.0.0"
        assert json.loads(body)["instance"].endswith(headers["X-Request-Id"])


async def test_the_draft_hears_nothing_of_tus(origin: RunningOrigin) -> None:
    _, headers, _ = await call(origin, "HEAD", "/v1/uploads/unknown-1")
    assert "Tus-Resumable" not in headers


async def test_too_large_is_told_with_the_limit(origin: RunningOrigin) -> None:
    fields = {"Upload-Complete": "?0", "Upload-Length": str(1 << 45), "Upload-Metadata": "key YQ=="}
    status, headers, _ = await call(origin, "POST", "/v1/uploads", **fields)
    assert (status, "max-size=" in headers["Upload-Limit"]) == (413, True)


async def test_a_bad_checksum_is_460_to_tus_and_400_to_the_draft(origin: RunningOrigin) -> None:
    wrong = "sha-256=:" + "A" * 43 + "=:"
    url = await create(origin, 10)
    status, headers, body = await patch(origin, url, 0, b"abc", Content_Digest=wrong)
    assert (status, json.loads(body)["status"]) == (460, 460)
    assert headers["Content-Type"] == "application/problem+json"
    draft = {"Upload-Complete": "?0", "Content-Type": "application/partial-upload"}
    status, _, body = await call(
        origin, "PATCH", url, b"abc", **draft, Upload_Offset="0", Content_Digest=wrong
    )
    assert (status, json.loads(body)["type"]) == (400, "urn:cinedge:problem:checksum-mismatch")
