"""`scripts/run --service`: somebody joins by the mail that is shown, takes a plan and watches.

Over HTTP, as the page does it; what the page shows is in `test_film_service.py`.
"""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

import httpx
import pytest

from scripts.cli.up import FILM_KEY, TITLE_ID
from tests.helpers.cluster import CINEDGE, ROOT
from tests.helpers.localstripe import GOOD_CARD
from tests.helpers.processes import Running, is_running, wait_until

ANNA = "anna@films.example"
PASSWORD = "correct horse battery"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Path:
    """A film is there already, so that none is made."""
    folder = tmp_path_factory.mktemp("service")
    (folder / FILM_KEY).parent.mkdir(parents=True)
    shutil.copy(film, folder / FILM_KEY)
    return folder


def started(data: Path) -> Running:
    return Running([*CINEDGE, "up", "--service", "--data", data], cwd=ROOT)


def shown_link(up: Running) -> str:
    """The token of the link in the mail for Anna, as the terminal shows it."""
    found: list[str] = []

    def look() -> bool:
        text = "\n".join(up.stderr)
        found.extend(re.findall(rf"Mail to {ANNA}: .*\n +\S+/#/verify\?token=(\S+)", text))
        return bool(found)

    wait_until(look, "the mail is shown", 60)
    return found[-1]


def watch(http: httpx.Client) -> bytes:
    asked = {"title_id": TITLE_ID, "device": "test"}
    playback = http.post("/v1/playback", json=asked).raise_for_status().json()
    answer = httpx.get(
        playback["progressive"], headers={"Range": "bytes=100-199"}, follow_redirects=True
    )
    assert answer.status_code == 206, answer.text
    # A plan has so many streams at once, and one that is not ended counts for a while.
    http.delete(f"/v1/playback/{playback['session_id']}").raise_for_status()
    return answer.content


def sign_in(http: httpx.Client) -> None:
    body = {"email": ANNA, "password": PASSWORD, "device": "test"}
    entered = http.post("/v1/sessions", json=body).raise_for_status().json()
    choose_profile(http, entered["access_token"])


def choose_profile(http: httpx.Client, token: str) -> None:
    http.headers["Authorization"] = f"Bearer {token}"
    held = http.get("/v1/profiles").raise_for_status().json()["items"]
    profile = held[0] if held else http.post("/v1/profiles", json={"name": "Anna"}).json()
    body = {"profile_id": profile["id"]}
    chosen = http.post("/v1/sessions/profile", json=body).raise_for_status().json()
    http.headers["Authorization"] = f"Bearer {chosen['access_token']}"


def test_somebody_joins_pays_and_watches_and_has_still_paid_after_a_restart(data: Path) -> None:
    with started(data) as up:
        origin = up.line(120).removeprefix("Play: ").rstrip("/")
        with httpx.Client(base_url=origin, timeout=30) as http:
            body = {"email": ANNA, "password": PASSWORD}
            http.post("/v1/accounts", json=body).raise_for_status()
            verified = {"token": shown_link(up), "device": "test"}
            entered = http.post("/v1/accounts/verify", json=verified).raise_for_status().json()
            choose_profile(http, entered["access_token"])
            refused = http.post("/v1/playback", json={"title_id": TITLE_ID, "device": "test"})
            assert refused.status_code == 403
            card = {"payment_method": GOOD_CARD}
            http.post("/v1/payment-methods", json=card).raise_for_status()
            begun = http.post("/v1/subscription", json={"plan": "basic"}).raise_for_status().json()
            assert begun["state"] == "active"
            assert watch(http) == (data / FILM_KEY).read_bytes()[100:200]
        up.ask_to_stop(signal.SIGINT)
        assert up.end() == 0
        assert not is_running(up.process.pid)
    with started(data) as up:
        origin = up.line(120).removeprefix("Play: ").rstrip("/")
        with httpx.Client(base_url=origin, timeout=30) as http:
            sign_in(http)
            assert len(http.get("/v1/invoices").raise_for_status().json()["items"]) == 1
            assert watch(http) == (data / FILM_KEY).read_bytes()[100:200]
