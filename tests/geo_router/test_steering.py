"""Steering manifests by schema and by vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cdnkit.errors import BadRequestError
from geo_router import steering
from geo_router.choose import Candidate, Rung

VECTORS = yaml.safe_load(
    (Path(__file__).parents[1] / "vectors" / "steering_requests.yaml").read_text()
)
SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "required": ["VERSION", "TTL", "RELOAD-URI", "PATHWAY-PRIORITY"],
        "additionalProperties": False,
        "properties": {
            "VERSION": {"const": 1},
            "TTL": {"type": "integer", "minimum": 1},
            "RELOAD-URI": {
                "type": "string",
                "pattern": "^(https?://[^/]+)?/v1/steering/(hls|dash)/",
            },
            "PATHWAY-PRIORITY": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"},
            },
            "PATHWAY-CLONES": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["BASE-ID", "ID", "URI-REPLACEMENT"],
                    "additionalProperties": False,
                    "properties": {
                        "BASE-ID": {"type": "string"},
                        "ID": {"type": "string"},
                        "URI-REPLACEMENT": {
                            "type": "object",
                            "required": ["HOST"],
                            "additionalProperties": False,
                            "properties": {"HOST": {"type": "string", "pattern": "^[^/:]+$"}},
                        },
                    },
                },
            },
        },
    }
)


def candidate(edge: str, url: str = "") -> Candidate:
    url = url or f"http://{edge}.example:8080"
    return Candidate(edge, url, "fra", 1.0, Rung.HEALTHY_IN_SITE, ())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["query"] or "nothing")
def test_requests_are_read_or_refused(vector: dict[str, Any]) -> None:
    query = parse_qs(vector["query"], keep_blank_values=True)
    if "asked" not in vector:
        with pytest.raises(BadRequestError):
            steering.read_request(vector["kind"], query)
        return
    asked = steering.read_request(vector["kind"], query)
    expected = vector["asked"]
    assert asked.session == expected.get("session", "")
    assert asked.listed == tuple(expected.get("listed", ()))
    assert [list(each) for each in asked.throughputs] == expected.get("throughputs", [])


def test_edges_of_the_playlist_are_named_and_others_cloned() -> None:
    asked = steering.Asked("", ("a", "b"), ())
    ranked = [candidate("b"), candidate("c")]
    body = steering.manifest(asked, ranked, "/v1/steering/hls/films/a.m3u8", "5-ab", 30)
    SCHEMA.validate(body)
    assert body["PATHWAY-PRIORITY"] == ["b", "c"]
    assert body["PATHWAY-CLONES"] == [
        {"BASE-ID": "a", "ID": "c", "URI-REPLACEMENT": {"HOST": "c.example"}}
    ]
    assert body["RELOAD-URI"] == "/v1/steering/hls/films/a.m3u8?session=5-ab&pathways=a,b"


def test_players_come_back_to_the_router_though_an_edge_served_the_playlist() -> None:
    asked = steering.Asked("", ("base",), ())
    url = "https://r.example:8080/v1/steering/dash/a b.mpd"
    body = steering.manifest(asked, [candidate("b")], url, "5-ab", 30)
    SCHEMA.validate(body)
    expected = "https://r.example:8080/v1/steering/dash/a%20b.mpd?session=5-ab&pathways=base"
    assert urljoin("https://edge.example/play/a.mpd", body["RELOAD-URI"]) == expected


@pytest.mark.parametrize(
    ("urls", "work"),
    [
        (["http://a", "http://b"], True),
        (["http://a:8080", "http://b:8080/"], True),
        (["http://a:8080", "http://a:8081"], False),
        (["http://a", "https://b"], False),
        (["http://a", "http://b/cdn"], False),
        ([], True),
    ],
)
def test_a_clone_is_another_host_and_nothing_else(urls: list[str], work: bool) -> None:
    assert steering.are_clones(urls) is work
    asked, ranked = steering.Asked("", ("base",), ()), [candidate("b"), candidate("c")]
    body = steering.manifest(asked, ranked, "/v1/steering/hls/a", "5-ab", 30, clones_work=work)
    SCHEMA.validate(body)
    assert body["PATHWAY-PRIORITY"] == (["b", "c"] if work else ["base"])
    assert ("PATHWAY-CLONES" in body) is work


def test_a_playlist_without_pathways_is_cloned_whole() -> None:
    body = steering.manifest(
        steering.Asked("", (), ()),
        [candidate("a"), candidate("b")],
        "/v1/steering/dash/a",
        "1-a",
        9,
    )
    SCHEMA.validate(body)
    assert body["PATHWAY-PRIORITY"] == ["a", "b"]
    assert {clone["BASE-ID"] for clone in body["PATHWAY-CLONES"]} == {"."}


_names = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)


@given(_names, _names)
def test_every_manifest_fits_the_schema_and_comes_back_as_it_went(
    listed: list[str], up: list[str]
) -> None:
    asked = steering.Asked("", tuple(listed), ())
    path = "/v1/steering/hls/films/a b/master.m3u8"
    body = steering.manifest(asked, [candidate(edge) for edge in up], path, "77-nonce", 10)
    SCHEMA.validate(body)
    known = {*listed, steering.DEFAULT_PATHWAY}
    known |= {clone["ID"] for clone in body.get("PATHWAY-CLONES", [])}
    assert set(body["PATHWAY-PRIORITY"]) <= known
    assert all(clone["ID"] not in listed for clone in body.get("PATHWAY-CLONES", []))
    again = steering.read_request("hls", parse_qs(urlsplit(body["RELOAD-URI"]).query))
    assert (again.session, again.listed) == ("77-nonce", tuple(listed))


def test_a_session_ends_and_none_comes_from_the_future() -> None:
    session = steering.open_session(1000.7, "ab")
    steering.require_open(session, 1099.0, 100)
    with pytest.raises(steering.SessionEndedError):
        steering.require_open(session, 1100.0, 100)
    with pytest.raises(BadRequestError):
        steering.require_open(session, 600.0, 100)
    with pytest.raises(BadRequestError):
        steering.require_open("x", 600.0, 100)


@given(st.floats(-10, 1e6), st.floats(0, 1e5))
def test_players_ask_less_often_the_longer_nothing_changes(seconds: float, more: float) -> None:
    ttl = steering.ttl_seconds(seconds, 10, 300)
    assert 10 <= ttl <= steering.ttl_seconds(seconds + more, 10, 300) <= 300
    assert steering.ttl_seconds(0, 10, 300) == 10
    assert steering.ttl_seconds(600, 10, 300) == 300


def test_who_is_to_wait_is_told_how_long() -> None:
    assert steering.TooManyRequestsError("x", 7).headers() == {"Retry-After": "7"}
