"""A router that answers DNS as it did before, whatever has become of the edges since."""

from __future__ import annotations

from collections.abc import Callable

from geo_router.dns_answer import Answerer, Locate
from geo_router.dns_zone import Zone
from tests.faults.planted import swap

STORY = "asked-by-dns"


def plant() -> None:
    make = Answerer.__init__

    def remember_for_good(
        self: Answerer, zone: Zone, locate: Locate, epoch: Callable[[], object]
    ) -> None:
        make(self, zone, locate, lambda: None)

    swap(Answerer, "__init__", remember_for_good)
