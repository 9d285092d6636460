"""A viewer's way through the site in a real browser: from joining to the end of a licence.

Real processes of every tier, a real mail server, and localstripe, whose script takes the card in
the page; films are played with tokens that the edges ask for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Route

from tests.helpers.cluster import Cluster
from tests.helpers.film_site import (
    WAIT_MS,
    Device,
    give_card,
    join,
    play,
    put_films,
    sign_in,
    with_film_service,
)
from tests.helpers.localstripe import running_localstripe
from tests.helpers.mailbox import Mailbox, mailbox
from tests.helpers.processes import wait_until

ANNA = "anna@films.example"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as started:
        yield started


@pytest.fixture(scope="module")
def serviced(
    tmp_path_factory: pytest.TempPathFactory, box: Mailbox, film: Path
) -> Iterator[Cluster]:
    with (
        running_localstripe() as stripe,
        Cluster(tmp_path_factory.mktemp("serviced"), with_film_service(box, stripe)) as cluster,
    ):
        stripe.send_webhooks_to(f"{cluster.origin}/v1/payments/webhook")
        put_films(cluster, film)
        yield cluster


@pytest.fixture
def device(browser: Browser, serviced: Cluster) -> Iterator[Device]:
    made = Device(browser, serviced.origin)
    yield made
    made.context.close()


@pytest.fixture
def second(browser: Browser, serviced: Cluster) -> Iterator[Device]:
    made = Device(browser, serviced.origin)
    yield made
    made.context.close()


def streams(device: Device) -> int:
    """How many streams the account has, asked as the site asks."""
    script = """async () => {
        const { get } = await import("/web/api.js");
        return (await get("/v1/playback")).items.length;
    }"""
    return int(device.page.evaluate(script))


def leave_the_film(device: Device) -> None:
    device.open("/")
    device.page.locator("video").wait_for(state="detached", timeout=WAIT_MS)
    wait_until(lambda: streams(device) == 0, "the device has given its place back", 20)


def add_a_profile(device: Device) -> None:
    device.page.locator("summary").click()
    device.fill("Name", "Kid")
    device.press("Add a profile")
    device.page.get_by_role("button", name="Kid").first.wait_for(timeout=WAIT_MS)


def join_and_choose_a_profile(device: Device, box: Mailbox) -> None:
    join(device, box, ANNA)
    device.picture("1-joined")
    add_a_profile(device)
    device.press("Kid")
    device.page.wait_for_url("**/#/", timeout=WAIT_MS)
    device.picture("2-home")


def subscribe_with_a_card(device: Device) -> None:
    play(device, "amelie")
    device.sees("This film needs a plan.")
    device.press("See the plans", "link")
    device.press("Choose Basic")
    device.sees("Subscribe to Basic")
    give_card(device, "4242424242424242")
    device.picture("3-card")
    device.press("Subscribe")
    device.sees("Basic, €9.99 a month. Paid until")
    device.sees("visa …4242")
    device.picture("4-subscribed")


def search_play_and_seek(device: Device) -> None:
    device.page.get_by_label("Search films and people").fill("ameli")
    device.sees("Films for")
    device.press("Amélie", "link")
    device.page.get_by_role("button", name="Play").wait_for(timeout=WAIT_MS)
    device.picture("5-found")
    device.press("Play")
    device.plays("currentTime > 0.5", "it plays")
    device.page.evaluate("() => { document.querySelector('video').currentTime = 12; }")
    device.plays("currentTime > 13", "it plays on after the seek")
    device.picture("6-playing")
    assert "/~" in str(device.page.evaluate("() => document.querySelector('video').currentSrc"))


def resume_on_a_second_device_once_the_first_has_stopped(device: Device, second: Device) -> None:
    sign_in(second, ANNA)
    second.sees("Kid")
    play(second, "brazil")
    second.sees("Too many devices are watching.")
    second.picture("7-too-many")
    leave_the_film(device)
    play(second, "amelie")
    second.plays("currentTime > 12", "it goes on where the other device stopped")
    second.picture("8-resumed")


def receive_what_there_is_to_tell(second: Device, box: Mailbox) -> None:
    second.open("/inbox")
    second.sees("Welcome")
    second.sees("Basic")
    second.picture("9-inbox")
    wait_until(
        lambda: any(
            to == ANNA and "subscription" in str(mail["Subject"]) for to, mail in box.mails
        ),
        "the beginning of the plan is told by mail",
        30,
    )


def see_a_licence_end_in_the_middle(serviced: Cluster, second: Device) -> None:
    now = time.time()
    licence = {"title_id": "brazil", "ends_at": now + 12, "ends_streams": True}
    httpx.post(f"{serviced.origin}/v1/licences", json=licence).raise_for_status()
    play(second, "brazil")
    second.plays("currentTime > 0.5", "it plays while the window is open")
    source = str(second.page.evaluate("() => document.querySelector('video').currentSrc"))
    assert httpx.get(source, headers={"Range": "bytes=0-9"}).status_code == 206
    wait_until(lambda: time.time() > now + 12, "the window has closed", 20)
    assert httpx.get(source, headers={"Range": "bytes=0-9"}).status_code == 403
    leave_the_film(second)
    play(second, "brazil")
    second.sees("This film can be watched no more.")
    second.picture("10-closed")


def cancel_and_watch_to_the_end_of_what_is_paid(device: Device) -> None:
    device.press("Plans", "link")
    device.press("Cancel")
    device.sees("Basic ends on")
    device.picture("11-canceled")
    play(device, "amelie")
    device.plays("currentTime > 0.5", "what is paid is watched to its end")


def test_viewer_joins_pays_watches_resumes_elsewhere_sees_a_licence_end_and_cancels(
    serviced: Cluster, box: Mailbox, device: Device, second: Device
) -> None:
    join_and_choose_a_profile(device, box)
    subscribe_with_a_card(device)
    search_play_and_seek(device)
    resume_on_a_second_device_once_the_first_has_stopped(device, second)
    receive_what_there_is_to_tell(second, box)
    see_a_licence_end_in_the_middle(serviced, second)
    cancel_and_watch_to_the_end_of_what_is_paid(device)
    assert device.complaints + second.complaints == []


def test_a_view_that_was_left_takes_nobody_back(
    serviced: Cluster, box: Mailbox, device: Device
) -> None:
    join(device, box, "bert@films.example")
    held: list[Route] = []
    chosen = "() => localStorage.getItem('cinedge.profile') !== null"
    add_a_profile(device)
    device.page.route("**/v1/sessions/profile", lambda route: held.append(route))
    device.press("Kid")
    device.open("/title/amelie")
    device.page.locator("article.film").wait_for(timeout=WAIT_MS)
    held[0].continue_()
    # What the page does after the choice has come is done before it answers the next question.
    device.page.wait_for_function(chosen, timeout=WAIT_MS)
    assert device.page.url.endswith("#/title/amelie")
    assert device.complaints == []
