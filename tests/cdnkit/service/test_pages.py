"""Header fields for browsers."""

from __future__ import annotations

from cdnkit.service.pages import cors_headers, page_headers, preflight_headers
from cdnkit.wire import EXPOSED_HEADERS


def test_a_page_runs_scripts_of_its_own_origin_only() -> None:
    policy = page_headers()["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page_headers()["X-Content-Type-Options"] == "nosniff"


def test_further_places_to_play_from_are_named() -> None:
    policy = page_headers(media=["http://edge:9001"], connect=["http://router:8080"])
    parts = policy["Content-Security-Policy"].split("; ")
    assert "media-src 'self' blob: http://edge:9001" in parts
    assert "connect-src 'self' http://router:8080" in parts


def test_scripts_and_frames_of_others_are_named_or_not_there_at_all() -> None:
    policy = page_headers(script=["https://a.example/v3/"], frame=["https://b.example"])
    parts = policy["Content-Security-Policy"].split("; ")
    assert "script-src 'self' https://a.example/v3/" in parts
    assert "frame-src https://b.example" in parts
    assert "-src https" not in page_headers()["Content-Security-Policy"]


def test_reads_show_every_field_that_players_need() -> None:
    headers = cors_headers()
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert set(headers["Access-Control-Expose-Headers"].split(", ")) == set(EXPOSED_HEADERS)
    assert "Access-Control-Allow-Credentials" not in headers


def test_preflight_grants_the_fields_asked_for() -> None:
    headers = preflight_headers({"Access-Control-Request-Headers": "range, x-a"}, ("GET",))
    assert headers["Access-Control-Allow-Headers"] == "range, x-a"
    assert headers["Access-Control-Allow-Methods"] == "GET"
    assert "Access-Control-Allow-Headers" not in preflight_headers({})
