"""Handlers exist when there is an intake to hand to."""

from __future__ import annotations

from origin.resumable.mounting import mount_uploads
from tests.origin.resumable.intakes import OWNER, Site


async def test_no_intake_no_handlers(site: Site) -> None:
    assert mount_uploads(None, "", lambda *_: OWNER) is None
    mounted = mount_uploads(site.intake, "http://origin/", lambda *_: OWNER)
    assert mounted is not None
    methods = {(route.method, route.path) for route in mounted.routes()}
    assert {m for m, path in methods if path == "/v1/uploads"} == {"OPTIONS", "POST", "GET"}
    assert {m for m, path in methods if path != "/v1/uploads"} == {
        "OPTIONS",
        "HEAD",
        "GET",
        "PATCH",
        "POST",
        "DELETE",
    }
