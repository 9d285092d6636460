"""What each protocol is told when every byte is here."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from origin.resumable.draft import Dialect
from origin.resumable.outcome import object_members
from origin.resumable.wording import Wording, base_url_of
from tests.origin.catalog.test_uploads import row
from tests.origin.resumable.intakes import Site
from tests.origin.resumable.test_outcome import OBJECT

REQUEST: Any = SimpleNamespace(scheme="http", host="origin:8000", headers={})
DONE = {"object": object_members(OBJECT), "is_new": True}


async def test_tus_gets_an_empty_answer_with_the_digest(site: Site) -> None:
    wording = Wording(site.intake, "http://films")
    answer = wording.completed(REQUEST, row("u", state="published", outcome=DONE), Dialect.TUS)
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers["Repr-Digest"].startswith("sha-256=:")
    assert answer.headers["ETag"] == OBJECT.etag


async def test_the_draft_gets_the_answer_of_the_object(site: Site) -> None:
    wording = Wording(site.intake, "http://films")
    published = row("u", state="published", outcome=DONE)
    answer = wording.completed(REQUEST, published, Dialect.DRAFT)
    assert (answer.status, answer.headers["Upload-Complete"]) == (201, "?1")
    assert answer.headers["Location"] == "/v1/content/a"
    assert json.loads(str(answer.text))["url"] == "http://films/v1/content/a"
    replaced = row("u", state="published", outcome={**DONE, "is_new": False})
    assert wording.completed(REQUEST, replaced, Dialect.DRAFT).status == 200


async def test_a_part_just_waits(site: Site) -> None:
    part = row("u", kind="partial", state="received", offset_bytes=50)
    answer = Wording(site.intake, "").completed(REQUEST, part, Dialect.TUS)
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, "50")


def test_urls_begin_as_the_client_came() -> None:
    assert base_url_of(REQUEST) == "http://origin:8000"
