"""The stage is a topology that every server takes."""

from __future__ import annotations

from pathlib import Path

import yaml

from config.load import load_topology
from scripts.benchmark.audience.stage import LEASE_SECONDS, TITLES, make_document
from scripts.benchmark.audience.stripe_double import StripeDouble


def test_document_is_a_topology_whose_players_need_tokens(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    payments = StripeDouble("http://127.0.0.1:9", 1).settings()
    path.write_text(yaml.safe_dump(make_document(tmp_path, "", payments)))
    topology = load_topology(path, {})
    assert topology.service is not None
    assert topology.service.payments is not None
    assert {plan.streams_max for plan in topology.service.payments.plans} == {1}
    assert topology.service.watching.lease_seconds == LEASE_SECONDS
    assert [route.token for route in topology.routes] == [True]


def test_database_and_payments_are_left_out_unless_given(tmp_path: Path) -> None:
    document = make_document(tmp_path, "", None)
    assert "payments" not in document["service"]
    assert "database" not in document["origins"][0]
    url = "postgresql://cinedge@127.0.0.1/cinedge"
    assert make_document(tmp_path, url, None)["origins"][0]["database"] == url


def test_passwords_cost_what_they_cost_unless_asked(tmp_path: Path) -> None:
    accounts = make_document(tmp_path, "", None)["service"]["accounts"]
    assert not [name for name in accounts if name.startswith("hash_")]
    cheap = make_document(tmp_path, "", None, cheap_hashes=True)["service"]["accounts"]
    assert cheap["hash_passes"] == 1


def test_titles_have_ids_of_their_own() -> None:
    assert len({id for id, _ in TITLES}) == len(TITLES)
