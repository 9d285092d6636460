"""From address to place, and what happens without each source."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cdnkit.errors import BadRequestError
from config.locating import Geo
from geo_router.geodatabase import Found, GeoDatabaseError
from geo_router.locate import Locator
from geo_router.place import Place, Source
from geo_router.prefixes import IPAddress
from tests.geo_router.geo_files import city, published, write_database

MUNICH = {"192.0.2.0/24": city(48.1, 11.6)}
LONDON = {"192.0.2.0/24": city(51.5, -0.1, "GB")}
VIEWER = ip_address("192.0.2.7")
DEFAULT = Place(Source.DEFAULT, site="fra")


class Failures(list[str]):
    """What was counted."""


def locator_of(
    path: Path | str = "", prefixes: dict[str, str] | None = None
) -> tuple[Locator, Failures]:
    failures = Failures()
    geo = Geo("fra", prefixes or {}, str(path))
    return Locator(geo, on_failure=failures.append), failures


async def test_prefixes_come_before_the_database_and_the_default_last(tmp_path: Path) -> None:
    path = write_database(tmp_path / "c.mmdb", "GeoLite2-City", MUNICH)
    locator, failures = locator_of(path, {"192.0.2.128/25": "nyc"})
    assert await locator.refresh()
    assert locator.locate(ip_address("192.0.2.200")) == Place(
        Source.PREFIX, "192.0.2.128/25", site="nyc"
    )
    assert (
        locator.locate(VIEWER)
        == Place(Source.DATABASE, "192.0.2.0/25", coordinates=(48.1, 11.6), country="DE")
        or locator.locate(VIEWER).matched == "192.0.2.0/24"
    )
    assert locator.locate(ip_address("198.51.100.1")) == DEFAULT
    assert locator.locate(None) == DEFAULT
    assert failures == []
    assert locator.database == "GeoLite2-City"


async def test_without_a_database_setting_nothing_is_missed() -> None:
    locator, failures = locator_of()
    assert not await locator.refresh()
    assert locator.locate(VIEWER) == DEFAULT
    assert (failures, locator.database) == ([], "none")


async def test_a_missing_database_is_logged_once_and_counted_always(tmp_path: Path) -> None:
    locator, failures = locator_of(tmp_path / "absent.mmdb", {"10.0.0.0/8": "nyc"})
    with capture_logs() as logs:
        for _ in range(3):
            assert not await locator.refresh()
            assert locator.locate(VIEWER) == DEFAULT
            assert locator.locate(ip_address("10.1.1.1")).site == "nyc"
    assert len(logs) == 1
    assert failures.count("absent") == 3
    assert "No such file" in locator.database


async def test_a_database_that_appears_later_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "late.mmdb"
    locator, _ = locator_of(path)
    assert not await locator.refresh()
    assert locator.locate(VIEWER) == DEFAULT
    write_database(path, "GeoLite2-City", MUNICH)
    assert await locator.refresh()
    assert locator.locate(VIEWER).coordinates == (48.1, 11.6)


async def test_a_changed_file_replaces_the_places_already_known(tmp_path: Path) -> None:
    path = write_database(tmp_path / "c.mmdb", "GeoLite2-City", MUNICH)
    locator, _ = locator_of(path)
    await locator.refresh()
    assert locator.locate(VIEWER).country == "DE"
    assert not await locator.refresh()
    aside = write_database(tmp_path / "new.mmdb", "GeoLite2-City", LONDON)
    os.replace(aside, path)
    assert await locator.refresh()
    assert locator.locate(VIEWER).country == "GB"


@pytest.mark.parametrize("change", ["broken", "gone"])
async def test_a_file_that_breaks_leaves_the_open_database_in_use(
    tmp_path: Path, change: str
) -> None:
    path = write_database(tmp_path / "c.mmdb", "GeoLite2-City", MUNICH)
    locator, failures = locator_of(path)
    await locator.refresh()
    if change == "broken":
        path.write_bytes(b"not a database")
    else:
        path.unlink()
    with capture_logs() as logs:
        assert not await locator.refresh()
        assert not await locator.refresh()
    assert locator.locate(VIEWER).country == "DE"
    assert failures == ["open"]
    assert len(logs) == 1
    write_database(path, "GeoLite2-City", LONDON)
    assert await locator.refresh()
    assert locator.locate(VIEWER).country == "GB"


async def test_a_database_that_fails_at_look_up_is_logged_once_and_counted_always(
    tmp_path: Path,
) -> None:
    class Broken:
        description = "Broken"

        def find(self, address: IPAddress) -> Found | None:
            raise GeoDatabaseError("the data section contains bad data")

        def close(self) -> None:
            pass

    failures = Failures()
    path = tmp_path / "x"
    path.touch()
    locator = Locator(
        Geo("fra", {}, str(path)), on_failure=failures.append, open_file=lambda _: Broken()
    )
    await locator.refresh()
    with capture_logs() as logs:
        assert [locator.locate(VIEWER) for _ in range(3)] == [DEFAULT] * 3
    assert failures == ["lookup"] * 3
    assert len(logs) == 1


async def test_the_published_bad_file_never_stops_the_router() -> None:
    locator, failures = locator_of(published("bad/cyclic-data-structure.mmdb"))
    assert not await locator.refresh()
    assert locator.locate(VIEWER) == DEFAULT
    assert failures == ["open", "absent"]


def test_a_bad_prefix_is_refused_at_start() -> None:
    with pytest.raises(BadRequestError, match=r"10\.0\.0\.1/8"):
        locator_of("", {"10.0.0.1/8": "nyc"})


async def test_the_places_remembered_are_bounded(tmp_path: Path) -> None:
    path = write_database(tmp_path / "c.mmdb", "GeoLite2-City", MUNICH)
    locator, _ = locator_of(path)
    assert await locator.refresh()
    first = locator.locate(VIEWER)
    assert locator.locate(VIEWER) is first
    for number in range(65_536):
        locator.locate(ip_address(0x0A010000 + number))
    assert locator.locate(VIEWER) is not first


def test_all_addresses_of_a_prefix_share_one_place() -> None:
    locator, _ = locator_of("", {"10.0.0.0/8": "nyc"})
    assert locator.locate(ip_address("10.0.0.1")) is locator.locate(ip_address("10.9.9.9"))


async def test_a_table_file_is_read_again_when_it_changes_and_kept_when_it_breaks(
    tmp_path: Path,
) -> None:
    table = tmp_path / "prefixes.csv"
    table.write_text("192.0.2.0/24,nyc\n198.51.100.0/24,nyc\n")
    failures = Failures()
    geo = Geo("fra", {"192.0.2.0/24": "sgp"}, table=str(table))
    locator = Locator(geo, on_failure=failures.append, sites={"fra", "nyc", "sgp"})
    await locator.refresh()
    other = ip_address("198.51.100.1")
    assert [locator.locate(each).site for each in (VIEWER, other)] == ["sgp", "nyc"]
    before = locator.version
    table.write_text("198.51.100.0/24,fra\n")
    await locator.refresh()
    assert (locator.locate(other).site, locator.version) == ("fra", before + 1)
    table.write_text("198.51.100.0/24,nowhere at all\n")
    await locator.refresh()
    await locator.refresh()
    assert locator.locate(other).site == "fra"
    assert failures == ["table"]


async def test_split_files_answer_for_their_family(tmp_path: Path) -> None:
    flat = {"country_code": "AU", "latitude": -33.9, "longitude": 151.2}
    ipv4 = write_database(tmp_path / "4.mmdb", "city ipv4", {"192.0.2.0/24": flat}, ip_version=4)
    ipv6 = write_database(tmp_path / "6.mmdb", "city ipv6", {"2001:db8::/32": flat})
    failures = Failures()
    geo = Geo("fra", {}, str(ipv4), database_ipv6=str(ipv6))
    locator = Locator(geo, on_failure=failures.append)
    assert await locator.refresh()
    assert not await locator.refresh()
    for address in ("192.0.2.7", "2001:db8::7"):
        assert locator.locate(ip_address(address)).country == "AU"
    assert locator.locate_network(ip_address("192.0.2.7"))[1] >= 24
    assert locator.database == "city ipv4 and city ipv6"
    ipv6.unlink()
    await locator.refresh()
    assert failures == ["open"]
    assert locator.locate(ip_address("2001:db8::9")).country == "AU"
