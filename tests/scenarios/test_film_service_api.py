"""The film service answers generated requests as its document says, and never with 5xx.

Asked by somebody who may do everything and has a profile, with localstripe behind the payments.
What would sign that person out is left to `tests/origin/domains/accounts`. The long form:
CINEDGE_TEST_API_EXAMPLES=500.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.helpers.api_hooks import KNOWN
from tests.helpers.cluster import ROOT, Cluster
from tests.helpers.entering import token_of
from tests.helpers.localstripe import GOOD_CARD, Localstripe, running_localstripe

EXAMPLES = int(os.environ.get("CINEDGE_TEST_API_EXAMPLES", "8"))
SEED = 1 if EXAMPLES == 8 else int.from_bytes(os.urandom(4))
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance"),
)
DOMAINS = (
    *("accounts", "profiles", "licences", "playback", "history", "continue", "search", "suggest"),
    *("categories", "people", "collections", "home", "rows", "inbox", "notifications", "push"),
    *("subscription", "plans", "payment", "titles/.id./avail", "activity", "trending"),
    "recommendations",
)
SIGNS_OUT = "^/v1/(accounts/me$|inbox/stream)"


@pytest.fixture(scope="module")
def stripe() -> Iterator[Localstripe]:
    with running_localstripe() as running:
        yield running


@pytest.fixture(scope="module")
def serviced(tmp_path_factory: pytest.TempPathFactory, stripe: Localstripe) -> Iterator[Cluster]:
    cheap = {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1}

    def edit(document: dict[str, Any]) -> None:
        document["token_keys"] = [{"id": "key-1", "secret": "a key of more than 32 characters!"}]
        document["service"] = {
            "accounts": {**cheap, "network_attempts_max": 1_000_000},
            "payments": stripe.document(),
        }

    with Cluster(tmp_path_factory.mktemp("serviced"), edit) as cluster:
        cluster.put(KNOWN["key"], bytes(5000), "video/mp4")
        title = {"title": "Known", "media": KNOWN["key"]}
        httpx.put(f"{cluster.origin}/v1/titles/{KNOWN['id']}", json=title).raise_for_status()
        yield cluster


def give_card(origin: str, token: str) -> None:
    """So that something can be bought."""
    card, who = {"payment_method": GOOD_CARD}, {"Authorization": f"Bearer {token}"}
    httpx.post(f"{origin}/v1/payment-methods", json=card, headers=who).raise_for_status()


@pytest.mark.slow
@pytest.mark.timeout(600 if SEED == 1 else 7200)
def test_no_answer_of_the_film_service_is_undocumented_and_none_is_5xx(serviced: Cluster) -> None:
    pytest.importorskip("schemathesis")
    token = token_of(serviced.origin, serviced.topology_path, "admin")
    give_card(serviced.origin, token)
    command = [str(Path(sys.executable).parent / "schemathesis"), "run"]
    options = {
        "--header": f"Authorization: Bearer {token}",
        "--checks": ",".join(CHECKS),
        "--phases": "coverage,fuzzing",
        "--max-examples": str(EXAMPLES),
        "--seed": str(SEED),
        "--warnings": "off",
        "--generation-database": "none",
        "--request-timeout": "60",
        "--include-path-regex": f"^/v1/({'|'.join(DOMAINS)})",
        "--exclude-path-regex": SIGNS_OUT,
    }
    flat = [word for pair in options.items() for word in pair]
    call = subprocess.run(
        [*command, f"{serviced.origin}/openapi.json", "--no-color", *flat],
        cwd=ROOT,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.helpers.api_hooks"},
        capture_output=True,
        text=True,
    )
    assert call.returncode == 0, call.stdout[-6000:] + call.stderr[-2000:]
    assert " passed" in call.stdout
