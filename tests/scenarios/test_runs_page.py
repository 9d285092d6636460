"""An operator sees runs in a browser, compares two, shows one and goes back.

With CINEDGE_TEST_PICTURES=DIR the steps leave pictures there for a person to look at.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from origin.catalog import recommended
from tests.helpers.activity_log import add_events, event, made_events, made_titles
from tests.helpers.batch_job import command, in_catalog, shown_runs
from tests.helpers.cluster import CINEDGE, ROOT, Cluster
from tests.helpers.film_site import PASSWORD, WAIT_MS, Device, sign_in
from tests.helpers.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROLES = ("operator", "viewer")


def cheap_accounts(document: dict[str, Any]) -> None:
    accounts = {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1}
    document["service"] = {"accounts": accounts}


def address_of(role: str) -> str:
    return f"{role}@films.example"


def enter(cluster: Cluster, role: str) -> None:
    """Make an account with the role, and its password."""
    words = ("account", "add", "--role", role, "--link", address_of(role), "--topology")
    made = subprocess.run(
        [*CINEDGE, *words, str(cluster.topology_path)], cwd=ROOT, capture_output=True, text=True
    )
    link = re.search(r"token=(\S+)", made.stdout)
    assert link is not None, made.stderr
    chosen = {"token": link[1], "password": PASSWORD}
    httpx.post(f"{cluster.origin}/v1/accounts/reset/confirm", json=chosen).raise_for_status()


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A film service over whose catalog the job has run twice."""
    folder = tmp_path_factory.mktemp("operated")
    with Cluster(folder, cheap_accounts) as cluster:
        for role in ROLES:
            enter(cluster, role)
        url = catalog_of(cluster)

        for name, body in made_titles(40).items():
            httpx.put(f"{cluster.origin}/v1/titles/{name}", json=body).raise_for_status()

        async def fill(connection: Any) -> None:
            events = made_events(1_500, profiles=60, title_count=40, days=3)
            await add_events(connection, events)

        async def more(connection: Any) -> None:
            await add_events(connection, [event("more", profile="p1", title="t0007")])

        for work in (fill, more):
            in_catalog(url, work)
            subprocess.run(command(url, str(folder / "batch")), cwd=ROOT, check=True)
        yield cluster


def catalog_of(cluster: Cluster) -> str:
    (path,) = cluster.data.rglob("catalog.sqlite")
    return f"sqlite:///{path}"


def runs_of(cluster: Cluster) -> list[str]:
    found = in_catalog(catalog_of(cluster), recommended.list_runs)
    return [run.id for run in found]


def device_of(browser: Browser, cluster: Cluster, role: str) -> Device:
    device = Device(browser, cluster.origin)
    sign_in(device, address_of(role))
    device.sees("Who watches?")
    return device


def test_operator_sees_runs_compares_two_and_goes_back(browser: Browser, operated: Cluster) -> None:
    newest, oldest = runs_of(operated)
    device = device_of(browser, operated, "operator")
    device.open("/account")
    device.press("Recommendation runs", "link")
    device.sees("What is shown")
    pictures = device.page.locator("figure.chart svg[role=img]")
    device.page.get_by_role("img", name=re.compile("Quality of our lists")).wait_for()
    device.picture("runs")
    device.page.locator("table.runs a").first.click()
    device.sees("Titles most alike")
    assert pictures.count() == 6
    for name in ("NDCG@10", "Recall@20", "Coverage", "Novelty", "Duration by stage"):
        assert device.page.get_by_role("img", name=re.compile(name)).count() == 1
    assert "ours" in str(pictures.first.get_attribute("aria-label"))
    device.picture("run")
    device.open("/runs")
    device.press("Compare")
    device.sees("Profiles by how many of their first ten titles are the same")
    device.sees("over 60 profiles")
    device.picture("runs-compared")
    device.open("/runs")
    device.press(f"Show {oldest} to control")
    device.sees("Go back to")
    wait_until(lambda: shown_runs(catalog_of(operated)) == {"control": oldest}, "it is shown", 20)
    device.press("Go back to")
    wait_until(lambda: shown_runs(catalog_of(operated)) == {"control": newest}, "it is back", 20)
    assert device.complaints == []
    device.context.close()


def test_viewer_is_told_that_this_is_for_operators(browser: Browser, operated: Cluster) -> None:
    device = device_of(browser, operated, "viewer")
    device.open("/runs")
    device.page.get_by_role("alert").get_by_text("lacks the scope").wait_for(timeout=WAIT_MS)
    device.open("/account")
    device.sees("Devices")
    assert device.page.get_by_role("link", name="Recommendation runs").count() == 0
    device.context.close()
