"""Targets, preferences and bodies."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdnkit.errors import BadRequestError, NotFoundError
from geo_router import answers
from geo_router.choose import Chooser
from geo_router.client_address import Client, SaidBy
from geo_router.fleet import Fleet, Limits
from geo_router.place import Place, Source
from tests.geo_router.worlds import SITES, edges_of, fleet_of, take_down
from tests.helpers.vectors import case_id, load_vectors

CLIENT = Client(ip_address("192.0.2.7"), SaidBy.QUERY)


@pytest.mark.parametrize("case", load_vectors("redirect_targets"), ids=case_id)
def test_a_target_is_kept_byte_for_byte_or_refused(case: dict[str, Any]) -> None:
    if case.get("refused"):
        with pytest.raises(BadRequestError):
            answers.reduce_target(case["raw"])
    else:
        assert answers.reduce_target(case["raw"]) == case["target"]


@given(st.one_of(st.text(max_size=60), st.from_regex(r"(https?://)?[@:./\\a-z#?%\[\]]{0,20}")))
def test_no_target_sends_a_viewer_to_another_host(raw: str) -> None:
    try:
        target = answers.reduce_target(raw)
    except BadRequestError:
        return
    parts = urlsplit("http://edge.example:9001" + target)
    assert parts.netloc == "edge.example:9001"
    assert "\r" not in target
    assert "\n" not in target


@pytest.mark.parametrize("case", load_vectors("accept_json"), ids=case_id)
def test_json_is_preferred_only_by_name(case: dict[str, Any]) -> None:
    assert answers.prefers_json(case["accept"]) is case["list"]


@given(st.text(max_size=60))
def test_no_accept_field_breaks_the_preference(text: str) -> None:
    answers.prefers_json("application/json" + text)


@pytest.mark.parametrize("target", ["/v1/nothing", "/livez/x", "/operate", "/metrics?x", "/v1"])
def test_reserved_names_are_no_objects(target: str) -> None:
    with pytest.raises(NotFoundError):
        answers.require_object_path(target)


@pytest.mark.parametrize("target", ["/", "/v1x", "/films/v1/a", "//v1", "/?v1"])
def test_other_names_may_be_objects(target: str) -> None:
    assert answers.require_object_path(target) == target


def test_a_path_parameter_is_encoded_again_where_a_target_must_be() -> None:
    assert answers.target_of_parameter("/films/a b%20c.mp4?x=é") == "/films/a%20b%20c.mp4?x=%C3%A9"


@pytest.mark.parametrize("path", ["", "films/a.mp4", "http://evil.example/", "/a#b"])
def test_a_path_parameter_that_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(BadRequestError):
        answers.target_of_parameter(path)


def test_neither_token_nor_query_moves_a_film_to_another_edge() -> None:
    plain = answers.object_key("/films/a.mp4")
    assert plain == "/films/a.mp4"
    assert answers.object_key("/~abc.def/films/a.mp4?session=1") == plain


def test_bodies_name_edges_reasons_and_place() -> None:
    edges = edges_of({"fra": 1, "nyc": 1})
    fleet = fleet_of(edges)
    chooser = Chooser(SITES, edges, fleet)
    place = Place(Source.DATABASE, "192.0.2.0/24", coordinates=(52.5, 13.4), country="DE")
    body = answers.route_body(chooser.choose(place, "/a", 8), "/a?x=1", CLIENT)
    assert body["url"] == "http://127.0.0.1:9000/a?x=1"
    assert [e["name"] for e in body["edges"]] == ["fra-0", "nyc-0"]
    assert body["place"] == {
        "address": "192.0.2.7",
        "said_by": "query",
        "source": "database",
        "matched": "192.0.2.0/24",
        "site": "",
        "country": "DE",
        "latitude": 52.5,
        "longitude": 13.4,
    }
    take_down(fleet, "fra-0", "nyc-0")
    explained = answers.explain_body(chooser.explain(place, "/a"), "/a", CLIENT, fleet, "none")
    assert (explained["url"], explained["rung"]) == (None, "none")
    assert explained["passed_over"][0]["reason"] == "down: cannot connect"
    shield = Fleet(["shield"], Limits(2, 3), 4.0)
    body = answers.fleet_body({4: chooser, 6: chooser}, shield, 5.0)
    assert [(each["name"], each["state"]) for each in body["resorts"]] == [("shield", "unknown")]
    listed = body["edges"]
    assert [(e["name"], e["state"], e["since"], e["latency_ms"]) for e in listed] == [
        ("fra-0", "down", 3.0, None),
        ("nyc-0", "down", 3.0, None),
    ]
