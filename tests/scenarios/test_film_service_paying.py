"""Paying in a real browser: cards that are refused or asked about, changing, ending, by keyboard.

The card goes into fields of localstripe's script, and from there to localstripe alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.helpers.cluster import Cluster
from tests.helpers.film_site import WAIT_MS, Device, give_card, join, with_film_service
from tests.helpers.localstripe import CONFIRMED_CARD_NUMBER, Localstripe, running_localstripe
from tests.helpers.mailbox import Mailbox, mailbox
from tests.helpers.processes import wait_until

GOOD = "4242424242424242"
REFUSED = "4000000000000002"
CHARGED_IN_VAIN = "4000000000000341"

RECORD_WHAT_IS_TOLD = """() => {
    window.told = [];
    const said = document.getElementById("said");
    const note = () => window.told.push(said.textContent);
    new MutationObserver(note).observe(said, { childList: true });
}"""
"""What those hear who do not see the page; the inbox speaks there too."""
_viewers = count(1)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as started:
        yield started


@pytest.fixture(scope="module")
def stripe() -> Iterator[Localstripe]:
    with running_localstripe() as running:
        yield running


@pytest.fixture(scope="module")
def selling(
    tmp_path_factory: pytest.TempPathFactory, box: Mailbox, stripe: Localstripe
) -> Iterator[Cluster]:
    edit = with_film_service(box, stripe)
    with Cluster(tmp_path_factory.mktemp("selling"), edit) as cluster:
        yield cluster


@pytest.fixture
def device(browser: Browser, selling: Cluster, box: Mailbox) -> Iterator[Device]:
    """A browser of somebody new, at the plans."""
    made = Device(browser, selling.origin)
    join(made, box, f"viewer-{next(_viewers)}@films.example")
    made.open("/plans")
    made.sees("You have no plan yet.")
    yield made
    assert made.complaints == []
    made.context.close()


def choose(device: Device, plan: str) -> None:
    device.press(f"Choose {plan}")
    device.page.get_by_role("heading", name=plan, exact=False).last.wait_for(timeout=WAIT_MS)


def subscribe(device: Device, plan: str, number: str) -> None:
    choose(device, plan)
    give_card(device, number)
    device.press("Subscribe")


def standing(device: Device, words: str) -> None:
    """Wait until the present plan is described so."""
    place = device.page.locator("#subscription").get_by_text(words)
    place.first.wait_for(timeout=WAIT_MS)


def alert(device: Device, words: str) -> None:
    """Wait until something is told to be wrong."""
    place = device.page.get_by_role("alert").get_by_text(words)
    place.first.wait_for(timeout=WAIT_MS)


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.textContent"))


def test_refused_card_is_told_plainly_and_another_can_be_given(device: Device) -> None:
    subscribe(device, "Basic", REFUSED)
    alert(device, "Your card was declined.")
    device.picture("20-refused")
    standing(device, "You have no plan yet.")
    give_card(device, GOOD)
    device.press("Subscribe")
    standing(device, "Basic, €9.99 a month. Paid until")


def test_number_of_a_card_is_sent_to_stripe_and_to_nobody_else(
    device: Device, stripe: Localstripe
) -> None:
    told: set[str] = set()

    def note(request: Request) -> None:
        if GOOD in (request.post_data or "") + request.url:
            told.add(request.url.split("/v1/")[0])

    device.page.on("request", note)
    subscribe(device, "Basic", GOOD)
    standing(device, "Paid until")
    assert told == {stripe.url}


def test_bank_that_asks_is_answered_in_the_page(device: Device) -> None:
    subscribe(device, "Basic", CONFIRMED_CARD_NUMBER)
    device.press("Complete authentication")
    device.press("Complete authentication")
    standing(device, "Basic, €9.99 a month. Paid until")


def test_payment_that_its_payer_does_not_confirm_begins_nothing(device: Device) -> None:
    subscribe(device, "Basic", CONFIRMED_CARD_NUMBER)
    device.press("Complete authentication")
    device.press("Fail authentication")
    alert(device, "has failed authentication")
    standing(device, "Your plan has ended.")


def test_payment_that_was_left_is_confirmed_later(device: Device) -> None:
    subscribe(device, "Basic", CONFIRMED_CARD_NUMBER)
    device.press("Complete authentication")
    device.page.get_by_role("button", name="Complete authentication").wait_for(timeout=WAIT_MS)
    device.page.reload()
    standing(device, "your bank wants you to confirm the payment of €9.99")
    device.picture("21-to-confirm")
    device.press("Confirm the payment")
    device.press("Complete authentication")
    standing(device, "Basic, €9.99 a month. Paid until")


def test_card_that_cannot_be_charged_says_so_and_another_pays_what_is_owed(
    device: Device,
) -> None:
    subscribe(device, "Basic", CHARGED_IN_VAIN)
    standing(device, "€9.99 could not be paid. Your card was declined.")
    assert device.page.get_by_role("button", name="Choose").count() == 0
    device.press("Add a card")
    give_card(device, GOOD)
    device.press("Save the card")
    standing(device, "Basic, €9.99 a month. Paid until")


def test_change_shows_its_price_first_and_an_end_is_taken_back(device: Device) -> None:
    subscribe(device, "Basic", GOOD)
    standing(device, "Basic, €9.99 a month.")
    choose(device, "Premium")
    device.sees("Your next invoice: €10.00")
    device.picture("22-change")
    device.press("Keep Basic")
    standing(device, "Basic, €9.99 a month.")
    choose(device, "Premium")
    device.sees("Your next invoice: €10.00")
    device.press("Change to Premium")
    standing(device, "Premium, €19.99 a month.")
    device.press("Cancel")
    standing(device, "Premium ends on")
    device.press("Go on")
    standing(device, "Premium, €19.99 a month.")
    invoices = device.page.locator("#invoices li")
    assert "€9.99 · paid" in invoices.last.inner_text()


def test_card_in_use_stays_until_there_is_another(device: Device) -> None:
    subscribe(device, "Basic", GOOD)
    standing(device, "Paid until")
    device.press("Remove visa …4242")
    alert(device, "the subscription is charged to it; add another first")
    device.press("Add a card")
    give_card(device, "5555555555554444")
    device.press("Save the card")
    device.page.locator("#cards").get_by_text("…4444").first.wait_for(timeout=WAIT_MS)
    device.press("Remove visa …4242")
    wait_until(lambda: device.page.locator("#cards li").count() == 1, "one card is left", 20)
    assert "…4444" in device.page.locator("#cards").inner_text()


def test_trial_says_when_it_begins_to_cost(device: Device) -> None:
    choose(device, "Tried")
    device.sees("€4.99 a month, after 14 days without payment.")
    give_card(device, GOOD)
    device.press("Subscribe")
    standing(device, "Tried, without payment until")


def test_keyboard_and_a_narrow_screen_are_enough(device: Device) -> None:
    page = device.page
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate(RECORD_WHAT_IS_TOLD)
    page.get_by_role("button", name="Choose Premium").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Subscribe to Premium").wait_for(timeout=WAIT_MS)
    assert focused(page) == "Subscribe to Premium"
    page.get_by_placeholder("number").wait_for(timeout=WAIT_MS)
    page.keyboard.press("Tab")
    for text in (GOOD, "12", "33", "123", "10115"):  # its fields go on by themselves
        page.keyboard.insert_text(text)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    device.picture("23-narrow")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    standing(device, "Premium, €19.99 a month.")
    assert focused(page) == "Plans"
    assert "You have Premium." in page.evaluate("() => window.told")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360


def test_script_that_cannot_be_loaded_is_told_and_tried_again(device: Device) -> None:
    scripts = "**/js.stripe.com/**"
    device.page.route(scripts, lambda route: route.abort())
    device.press("Choose Basic")
    alert(device, "What takes cards could not be loaded.")
    device.press("Not now")
    device.page.unroute(scripts)
    subscribe(device, "Basic", GOOD)
    standing(device, "Basic, €9.99 a month.")


def test_card_that_is_not_written_is_asked_for(device: Device) -> None:
    choose(device, "Basic")
    device.page.get_by_placeholder("number").wait_for(timeout=WAIT_MS)
    device.press("Subscribe")
    alert(device, "The card could not be taken. Look over what you wrote.")


def test_page_runs_no_script_of_anybody_else(device: Device, selling: Cluster) -> None:
    script = """(url) => new Promise((resolve) => {
        const told = (event) => resolve(event.effectiveDirective);
        document.addEventListener("securitypolicyviolation", told);
        const element = document.createElement("script");
        element.src = url;
        document.head.append(element);
    })"""
    assert device.page.evaluate(script, f"{selling.router}/x.js") == "script-src-elem"
