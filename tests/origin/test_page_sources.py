"""What the site's page may load and talk to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cdnkit.service.pages import page_headers
from config.service import Payments, Service
from config.topology import Address, CacheDisk, EdgeNode, Topology
from origin.page_sources import Sources, allowed_origins, allowed_sources, card_sources

EDGE = EdgeNode("e", "fra", Address("127.0.0.1", 9001), (CacheDisk("x"),))
EDGE_ORIGIN = "http://127.0.0.1:9001"
DOUBLE = "http://127.0.0.1:8420/js.stripe.com/v3/"


def test_page_may_talk_to_router_and_edges_of_the_topology_only() -> None:
    assert allowed_origins("", Topology(edges=(EDGE,))) == ()
    assert allowed_origins("https://r.example/x", Topology(edges=(EDGE,))) == (
        EDGE_ORIGIN,
        "https://r.example",
    )
    assert allowed_origins("http://r.example", Topology()) == ("http:", "https:")


def test_without_payments_nothing_is_run_or_enclosed_from_elsewhere() -> None:
    for service in (None, Service()):
        found = allowed_sources("http://r.example", Topology(edges=(EDGE,), service=service))
        assert found == Sources((EDGE_ORIGIN, "http://r.example"), found.media)


def test_cards_are_taken_by_the_script_that_the_settings_name_and_films_are_not_played_there() -> (
    None
):
    service = Service(payments=Payments(plans=(), script_url=DOUBLE))
    found = allowed_sources("http://r.example", Topology(edges=(EDGE,), service=service))
    assert found.script == (DOUBLE,)
    assert found.frame == ("http://127.0.0.1:8420",)
    assert set(found.connect) - set(found.media) == {"http://127.0.0.1:8420"}


def test_script_of_stripes_own_talks_to_stripes_api() -> None:
    found = card_sources(Payments(plans=()).script_url)
    assert found.script == ("https://js.stripe.com/v3/",)
    assert found.connect == ("https://api.stripe.com",)
    assert all(frame.startswith("https://") for frame in found.frame)


@given(st.text("abc/;,-", max_size=40))
def test_no_address_of_a_script_adds_a_part_to_the_policy(path: str) -> None:
    sources = card_sources(f"https://pay.example/{path}")
    policy = page_headers(script=sources.script, frame=sources.frame, connect=sources.connect)
    plain = page_headers(script=["a"], frame=["b"])
    written = policy["Content-Security-Policy"]
    assert written.count(";") == plain["Content-Security-Policy"].count(";")
    assert "," not in written
