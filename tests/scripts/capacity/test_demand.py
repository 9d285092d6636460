"""Claims about the records of a demand file."""

from __future__ import annotations

import pytest

from scripts.capacity.demand import Catalogue, Region, check_demand, demand_example
from scripts.capacity.demand_file import parse_demand
from tests.scripts.capacity.made import SERVER, made


def test_a_sound_demand_has_no_finding() -> None:
    assert list(check_demand(made())) == []


@pytest.mark.parametrize(
    ("said", "path", "message"),
    [
        ({"regions": (Region("a", 0.5), Region("a", 0.5))}, "regions[1].name", "already the name"),
        ({"regions": (Region("a", 0.5), Region("b", 0.4))}, "regions", "are 0.9 together"),
        ({"regions": ()}, "regions", "are 0 together"),
        ({"servers": ()}, "servers", "nothing to serve with"),
        ({"servers": (SERVER, SERVER)}, "servers[1].name", "already the name"),
        ({"catalogue": Catalogue(popularity="zipf")}, "catalogue.popularity", "no popularity"),
        ({"catalogue": Catalogue(popularity="zipf:-1")}, "catalogue.popularity", "no popularity"),
        ({"catalogue": Catalogue(reach=())}, "catalogue.reach", "nobody sees"),
        ({"catalogue": Catalogue(reach=(0.0,))}, "catalogue.reach", "nobody sees"),
        ({"catalogue": Catalogue(reach=(0.5, 0.6))}, "catalogue.reach", "later part"),
    ],
)
def test_what_cannot_be_is_found_at_its_path(
    said: dict[str, object], path: str, message: str
) -> None:
    (finding,) = check_demand(made(**said))
    assert finding.path == path
    assert message in finding.message
    assert finding.hint


def test_the_example_is_the_paper_and_shows_every_setting() -> None:
    demand = parse_demand(demand_example())
    assert demand.peak_bytes_per_second == 30 * 10**12
    assert demand.catalogue.titles * demand.catalogue.title_bytes == 200 * 10**12
    assert sum(region.sites for region in demand.regions) == 200
    for name in ("reach", "spare_servers", "shield_disk_bytes", "used_share", "upstream_link"):
        assert f"{name}:" in demand_example()


def test_what_the_example_comments_out_is_the_default() -> None:
    text = demand_example()
    live = "\n".join(
        line.replace("#", "", 1)
        if line.lstrip().startswith("#") and not line.lstrip().startswith("# ")
        else line
        for line in text.splitlines()
    )
    assert live != text
    assert parse_demand(live.replace("\n#\n", "\n")) == parse_demand(text)
