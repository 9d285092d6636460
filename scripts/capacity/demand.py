"""The records of a demand file: what viewers ask for, and what serving them is bought with.

Declared as the settings of a topology are, so that reading, complaints, bounds and the example
come from there. Prices have no currency: what goes in comes out.
"""

# `setting` only describes a field, as dataclasses.field does.
# ruff: noqa: RUF009

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from config.declare import setting
from config.example import example_of
from config.findings import Finding, duplicates

GB: Final = 10**9
TB: Final = 10**12
POPULARITY: Final = re.compile(r"netflix|zipf:([0-9]{1,2}(?:\.[0-9]{1,6})?)", re.ASCII)
_SHARES_OFF_MAX: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there is to see."""

    titles: int = setting("Titles there are.", 20_000, minimum=1, maximum=1_000_000)
    title_bytes: int = setting("All files of one title.", 10 * GB, unit="bytes", minimum=1)
    popularity: str = setting(
        "How demand falls with the rank of a title: netflix, or zipf: and the exponent.",
        "netflix",
        example="zipf:1.0",
    )
    reach: tuple[float, ...] = setting(
        "Share of viewers that come to each of so many equal parts of a title; never rising.",
        (0.77, 0.56, 0.49, 0.44, 0.40, 0.365, 0.34, 0.315, 0.29, 0.265),
        minimum=0,
        maximum=1,
    )
    new_titles_per_day: float = setting(
        "Titles that come new each day, which every site fetches once.", 0.0, minimum=0
    )


@dataclass(frozen=True, slots=True)
class Region:
    """Viewers who are served from the same sites."""

    name: str = setting("Its name: that of sites, or of their region, in a topology.", unit="name")
    share: float = setting("Its share of the peak; all shares are 1 together.", minimum=0)
    sites: int = setting("Places with edges, each with an equal part.", 1, minimum=1)


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server, with all it costs but its disks."""

    name: str = setting("What the kind is called.", unit="name")
    bytes_per_second: int = setting("What one sends at most.", unit="bytes", minimum=1)
    disk_bytes: int = setting("What one of its disks holds.", unit="bytes", minimum=1)
    disks: int = setting("Disks in it.", 1, minimum=1)
    monthly_price: float = setting("Of one without disks: buying, power, space.", 0.0, minimum=0)
    monthly_price_per_terabyte: float = setting("Of 10^12 bytes of its disks.", 0.0, minimum=0)


@dataclass(frozen=True, slots=True)
class Link:
    """A kind of connection to networks; it is paid whole."""

    bytes_per_second: int = setting(
        "What one carries.", 12_500_000_000, unit="bytes", minimum=1, example="12.5GB"
    )
    monthly_price: float = setting("Of one.", 0.0, minimum=0)


@dataclass(frozen=True, slots=True)
class Demand:
    """The whole file."""

    peak_bytes_per_second: int = setting(
        "What all viewers together take when most are there.", unit="bytes", minimum=1
    )
    servers: tuple[Server, ...] = setting("Kinds of servers to choose from.")
    mean_share: float = setting("Mean over peak.", 0.56, minimum=0.01, maximum=1)
    stream_bytes_per_second: int = setting(
        "What one viewer takes.", 3_000_000, unit="bytes", minimum=1, example="3MB"
    )
    catalogue: Catalogue = setting("What there is to see.", default_factory=Catalogue)
    regions: tuple[Region, ...] = setting(
        "Where viewers are; with --topology its sites or regions.", (Region("everywhere", 1.0),)
    )
    layout: str = setting(
        "shared: each object has one server of a site that keeps it; alone: each keeps what it is "
        "asked for.",
        "shared",
        choices=("shared", "alone"),
    )
    policy: str = setting(
        "What caches keep: as `cinedge simulate` has them; titlelfu as if it knew the demand.",
        "titlelfu",
        choices=("titlelfu", "lru", "fifo"),
    )
    used_share: float = setting(
        "Share of a server's bytes per second that is planned with.", 1.0, minimum=0.01, maximum=1
    )
    spare_servers: int = setting("Servers of each site that may fail at the peak.", 0, minimum=0)
    shield_disk_bytes: int = setting(
        "Disk of the shields of each region together, asked by its sites before an origin; 0: no "
        "shields.",
        0,
        unit="bytes",
        minimum=0,
    )
    copies: int = setting("Copies of each title at the origin.", 2, minimum=1)
    viewer_link: Link = setting("What goes to viewers goes over these.", default_factory=Link)
    upstream_link: Link = setting("What sites fetch comes over these.", default_factory=Link)


_LIVE: Final[dict[str, Any]] = {
    "peak_bytes_per_second": "30TB",
    "catalogue": {
        "titles": 20_000,
        "title_bytes": "10GB",
        "popularity": "netflix",
        "new_titles_per_day": 4,
    },
    "regions": [
        {"name": "europe", "share": 0.35, "sites": 70},
        {"name": "americas", "share": 0.4, "sites": 80},
        {"name": "asia", "share": 0.25, "sites": 50},
    ],
    "servers": [
        {
            "name": name,
            "bytes_per_second": rate,
            "disk_bytes": disk,
            "disks": disks,
            "monthly_price": price,
            "monthly_price_per_terabyte": 4,
        }
        for name, rate, disk, disks, price in (
            ("ssd-1", "1GB", "2TB", 1, 90),
            ("ssd-2", "2GB", "2TB", 1, 120),
            ("nvme-50", "50GB", "16TB", 4, 900),
        )
    ],
    "viewer_link": {"bytes_per_second": "12.5GB", "monthly_price": 400},
    "upstream_link": {"bytes_per_second": "12.5GB", "monthly_price": 1500},
}

_HEAD: Final = """\
# Demand: what viewers ask for, and what serving them is bought with.
#   cinedge capacity --demand FILE
# What is live here is 30 TB/s over 200 TB; its prices are examples, put yours in their place.
# Every other setting stands at its default behind a '#'.
# Sizes, and bytes per second: 4096, 64KiB, 10GiB, 1.5TB.
"""


def demand_example() -> str:
    """The text of a demand file, with every setting and its sentence."""
    return example_of(Demand, _LIVE, _HEAD)


def check_demand(demand: Demand) -> Iterator[Finding]:
    """What cannot be, between settings that are each right."""
    yield from duplicates((f"regions[{i}].name", r.name) for i, r in enumerate(demand.regions))
    yield from duplicates((f"servers[{i}].name", s.name) for i, s in enumerate(demand.servers))
    if not demand.servers:
        yield Finding("servers", "nothing to serve with", "add `- name: NAME`, and what it can do")
    total = sum(region.share for region in demand.regions)
    if abs(total - 1) > _SHARES_OFF_MAX:
        hint = "change a share; a region by itself has 1"
        yield Finding("regions", f"the shares are {total:g} together, not 1", hint)
    catalogue = demand.catalogue
    if POPULARITY.fullmatch(catalogue.popularity) is None:
        message = f"there is no popularity {catalogue.popularity!r}"
        yield Finding("catalogue.popularity", message, "write netflix, or zipf:1.0")
    if not catalogue.reach or not catalogue.reach[0]:
        hint = "leave it out, or begin with a share above 0"
        yield Finding("catalogue.reach", "nobody sees the beginning of a title", hint)
    elif list(catalogue.reach) != sorted(catalogue.reach, reverse=True):
        message = "more viewers come to a later part than to an earlier one"
        yield Finding("catalogue.reach", message, "order it from the greatest to the least")
