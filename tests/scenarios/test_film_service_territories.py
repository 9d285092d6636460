"""What may not be watched in a viewer's country is neither listed nor found there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.geo_router.geo_files import city, write_database
from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until

FILMS = {"here": "Harbour by night", "elsewhere": "Harbour by day"}


@pytest.fixture
def serviced(tmp_path: Path) -> Iterator[Cluster]:
    database = write_database(
        tmp_path / "places.mmdb", "GeoLite2-City", {"127.0.0.0/8": city(50.1, 8.7)}
    )

    def edit(document: dict[str, Any]) -> None:
        document["service"] = {"search_refresh_seconds": 0.1}
        # A network in the table of sites has no country.
        document["geo"] = {
            "default_site": document["geo"]["default_site"],
            "database": str(database),
        }

    with Cluster(tmp_path, edit) as cluster:
        for title_id, name in FILMS.items():
            body = {"title": name, "genres": ["Drama"]}
            httpx.put(f"{cluster.origin}/v1/titles/{title_id}", json=body).raise_for_status()
        yield cluster


def ask(cluster: Cluster, path: str, **query: str) -> Any:
    return httpx.get(cluster.origin + path, params=query).raise_for_status().json()


def found(cluster: Cluster) -> set[str]:
    return {hit["id"] for hit in ask(cluster, "/v1/search", q="harbour")["items"]}


def shown_at_home(cluster: Cluster) -> set[str]:
    rows = ask(cluster, "/v1/home")["rows"]
    return {item["id"] for row in rows for item in row["items"]}


def licence(cluster: Cluster, title_id: str, *territories: str) -> None:
    body = {"title_id": title_id, "territories": territories}
    httpx.post(f"{cluster.origin}/v1/licences", json=body).raise_for_status()


def test_titles_of_other_countries_are_not_listed(serviced: Cluster) -> None:
    wait_until(lambda: found(serviced) == set(FILMS), "both are in the index", 60)
    assert shown_at_home(serviced) == set(FILMS)
    licence(serviced, "here", "DE")
    licence(serviced, "elsewhere", "FR")
    assert found(serviced) == {"here"}
    assert shown_at_home(serviced) == {"here"}
    licence(serviced, "elsewhere", "DE")
    assert found(serviced) == set(FILMS)
    assert shown_at_home(serviced) == set(FILMS)
