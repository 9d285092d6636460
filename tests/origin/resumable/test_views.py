"""What fields say about an upload, in both protocols."""

from __future__ import annotations

import pytest

from origin.resumable.draft import Dialect
from origin.resumable.errors import GoneError
from origin.resumable.rules import Rules
from origin.resumable.views import (
    describe_upload,
    kept_fields,
    offer_fields,
    require_not_refused,
    resource_fields,
    state_fields,
)
from tests.origin.catalog.test_uploads import row

RULES = Rules(extent_bytes=100, object_bytes_max=1000)


def test_tus_is_told_in_its_fields() -> None:
    upload = row("u", offset_bytes=30, start_bytes=10, length_bytes=None, metadata="key YQ==")
    fields = state_fields(upload, Dialect.TUS, RULES, 40.0)
    assert (fields["Upload-Offset"], fields["Tus-Resumable"]) == ("20", "1.0.0")
    assert fields["Upload-Expires"] == "Thu, 01 Jan 1970 00:01:40 GMT"
    assert "Upload-Complete" not in fields
    assert resource_fields(upload, Dialect.TUS) == {
        "Upload-Defer-Length": "1",
        "Upload-Metadata": "key YQ==",
    }


def test_the_draft_is_told_in_its_fields() -> None:
    fields = state_fields(row("u"), Dialect.DRAFT, RULES, 40.0)
    assert fields["Upload-Complete"] == "?0"
    assert fields["Upload-Limit"] == "max-size=1000, min-size=0, max-age=60"
    assert resource_fields(row("u", metadata=""), Dialect.DRAFT) == {"Upload-Length": "50"}


def test_a_final_upload_has_an_offset_only_when_it_is_put_together() -> None:
    final = row("f", kind="final", state="received", offset_bytes=50, parts=("p1", "p2"))
    assert "Upload-Offset" not in state_fields(final, Dialect.TUS, RULES, 0.0)
    done = row("f", kind="final", state="published", offset_bytes=50)
    assert state_fields(done, Dialect.TUS, RULES, 0.0)["Upload-Offset"] == "50"
    concat = resource_fields(final, Dialect.TUS)["Upload-Concat"]
    assert concat == "final;/v1/uploads/p1 /v1/uploads/p2"


def test_what_is_offered_is_complete() -> None:
    fields = offer_fields(RULES)
    assert fields["Tus-Max-Size"] == "1000"
    assert fields["Cinedge-Extent-Bytes"] == "100"
    assert "application/partial-upload" in fields["Accept-Patch"]


def test_a_refused_upload_is_gone_with_its_reason() -> None:
    require_not_refused(row("u"))
    refused = row("u", state="abandoned", outcome={"problem": {"detail": "wrong digest"}})
    with pytest.raises(GoneError, match="wrong digest"):
        require_not_refused(refused)


def test_json_and_kept_fields() -> None:
    told = describe_upload(row("u", offset_bytes=7), "http://origin")
    assert (told["url"], told["offset_bytes"]) == ("http://origin/v1/uploads/u", 7)
    assert kept_fields({"if-match": "*", "host": "x"}) == {"if-match": "*"}
