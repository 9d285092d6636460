"""The site of the film service in real browsers, over real processes of every tier.

With CINEDGE_TEST_PICTURES=DIR the steps leave pictures there for a person to look at.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Page

from tests.helpers.cluster import Cluster
from tests.helpers.localstripe import Localstripe
from tests.helpers.mailbox import Mailbox
from tests.helpers.processes import wait_until

PASSWORD: Final = "correct horse battery"
WAIT_MS: Final = 40_000
PICTURES: Final = os.environ.get("CINEDGE_TEST_PICTURES", "")


def with_film_service(box: Mailbox, stripe: Localstripe) -> Callable[[dict[str, Any]], None]:
    """An edit of a topology: films with tokens, mails into a box, plans sold by a Stripe."""

    def edit(document: dict[str, Any]) -> None:
        document["token_keys"] = [{"id": "key-1", "secret": "a key of more than 32 characters!"}]
        document["routes"] = [{"prefix": "/", "token": True}]
        document["service"] = {
            "accounts": {"hash_memory_bytes": 65536, "hash_passes": 1, "hash_lanes": 1},
            "mail": {
                "host": "127.0.0.1",
                "port": box.port,
                "security": "none",
                "sender": "films@films.example",
            },
            "payments": stripe.document(),
            "watching": {"heartbeat_seconds": 1, "lease_seconds": 20},
        }

    return edit


def put_films(cluster: Cluster, film: Path) -> None:
    """Two films that everybody with a plan may see."""
    for name, title in (("amelie", "Amélie"), ("brazil", "Brazil")):
        cluster.put(f"films/{name}.mp4", film.read_bytes(), "video/mp4")
        body = {"title": title, "media": f"films/{name}.mp4", "duration_seconds": 30}
        httpx.put(f"{cluster.origin}/v1/titles/{name}", json=body).raise_for_status()


class Device:
    """A browser of its own, whose page complains into a list."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self.context = browser.new_context(viewport={"width": 1100, "height": 800})
        self.page: Page = self.context.new_page()
        self.origin = origin
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, path: str) -> None:
        """Go to a place of the site."""
        self.page.goto(f"{self.origin}/#{path}")

    def press(self, name: str, role: Any = "button") -> None:
        """Press what is called so, once it is there."""
        self.page.get_by_role(role, name=name).first.click(timeout=WAIT_MS)

    def fill(self, label: str, text: str) -> None:
        """Write into a field."""
        self.page.get_by_label(label, exact=True).first.fill(text, timeout=WAIT_MS)

    def sees(self, text: str) -> None:
        """Wait until a text is shown."""
        self.page.get_by_text(text).first.wait_for(timeout=WAIT_MS)

    def plays(self, claim: str, what: str) -> None:
        """Wait until something is true of the video."""
        script = f"() => {{ const v = document.querySelector('video'); return !!v && v.{claim}; }}"
        wait_until(lambda: bool(self.page.evaluate(script)), what, WAIT_MS / 1000)

    def picture(self, name: str) -> None:
        """Leave a picture, where somebody wants to look."""
        if PICTURES:
            self.page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def join(device: Device, box: Mailbox, address: str) -> None:
    """Register, follow the link in the mail, and add a profile beside one's own."""
    device.open("/register")
    device.fill("E-mail", address)
    device.fill("Password", PASSWORD)
    device.press("Send me a link")
    device.sees("Look into your mail")
    device.page.goto(box.link(address, "/#/verify"))
    device.sees("Who watches?")


def sign_in(device: Device, address: str) -> None:
    """Come with a second device."""
    device.open("/sign-in")
    device.fill("E-mail", address)
    device.fill("Password", PASSWORD)
    device.press("Sign in")


def play(device: Device, title: str) -> None:
    """Go to a film and press its button."""
    device.open(f"/title/{title}")
    device.page.locator("article.film button.primary").click(timeout=WAIT_MS)


def give_card(device: Device, number: str) -> None:
    """Write a card into the fields that localstripe's script has put into the page."""
    entry = device.page.get_by_role("group", name="Card")
    for field, value in (
        ("number", number), ("exp_month", "12"), ("exp_year", "33"), ("cvc", "123"),
        ("postal_code", "10115"),
    ):  # fmt: skip
        entry.get_by_placeholder(field).fill(value, timeout=WAIT_MS)
