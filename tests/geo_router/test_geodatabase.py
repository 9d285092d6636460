"""Databases in MaxMind's format: both schemas, and every way in which a file can be bad."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from geo_router.countries import CENTRES
from geo_router.geodatabase import Found, GeoDatabaseError, open_database
from tests.geo_router.geo_files import PUBLISHED, city, published, write_database


def find(path: Path, address: str) -> Found | None:
    database = open_database(str(path))
    try:
        return database.find(ip_address(address))
    finally:
        database.close()


def test_a_city_database_gives_coordinates_country_and_network(tmp_path: Path) -> None:
    path = write_database(tmp_path / "c.mmdb", "GeoLite2-City", {"192.0.2.0/24": city(48.1, 11.6)})
    assert find(path, "192.0.2.77") == Found((48.1, 11.6), "DE", "192.0.2.0/24")
    assert find(path, "198.51.100.1") is None
    assert find(path, "2001:db8::1") is None


def test_a_country_database_gives_the_middle_of_the_country(tmp_path: Path) -> None:
    record = {"country": {"iso_code": "JP"}}
    path = write_database(tmp_path / "c.mmdb", "GeoIP2-Country", {"2001:db8::/32": record})
    assert find(path, "2001:db8::1") == Found(CENTRES["JP"], "JP", "2001:db8::/32")


def test_a_record_without_location_falls_back_to_its_country(tmp_path: Path) -> None:
    records = {
        "192.0.2.0/24": {"registered_country": {"iso_code": "SE"}},
        "198.51.100.0/24": {"continent": {"code": "EU"}},
    }
    path = write_database(tmp_path / "c.mmdb", "GeoIP2-City", records)
    found = find(path, "192.0.2.1")
    assert found is not None
    assert found.coordinates == CENTRES["SE"]
    assert find(path, "198.51.100.1") is None


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"country_code": "US", "latitude": 40.5, "longitude": -74.5}, (40.5, -74.5)),
        ({"country_code": "US", "latitude": "40.5", "longitude": "-74.5"}, (40.5, -74.5)),
        ({"country_code": "fr"}, CENTRES["FR"]),
        ({"country_code": "FR", "latitude": 95.0, "longitude": 0.0}, CENTRES["FR"]),
        ({"country_code": "FR", "latitude": "north", "longitude": "0"}, CENTRES["FR"]),
        ({"country_code": "??"}, None),
        ({"country_code": "FR", "lat": 1.0, "lon": 2.0}, (1.0, 2.0)),
    ],
)
def test_a_flat_database_is_read_whatever_it_calls_itself(
    tmp_path: Path, record: dict[str, object], expected: tuple[float, float] | None
) -> None:
    path = write_database(tmp_path / "f.mmdb", "DBIP-City-flat", {"192.0.2.0/24": record})
    found = find(path, "192.0.2.1")
    assert (found.coordinates if found else None) == expected
    if found:
        assert found.network == "192.0.2.0/24"


@pytest.mark.parametrize("kind", ["GeoLite2-City", "flat"])
def test_an_ipv4_database_knows_nothing_of_ipv6(tmp_path: Path, kind: str) -> None:
    record = city(1.0, 2.0) if kind != "flat" else {"country_code": "DE"}
    path = write_database(tmp_path / "v4.mmdb", kind, {"192.0.2.0/24": record}, ip_version=4)
    assert find(path, "192.0.2.1") is not None
    assert find(path, "2001:db8::1") is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GeoDatabaseError, match=r"absent\.mmdb: No such file"):
        open_database(str(tmp_path / "absent.mmdb"))


@pytest.mark.parametrize("content", [b"", b"no database", b"\0" * 4096])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mmdb"
    path.write_bytes(content)
    with pytest.raises(GeoDatabaseError, match=r"x\.mmdb"):
        open_database(str(path))


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeoDatabaseError):
        open_database(str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("GeoLite2-ASN", {"autonomous_system_number": 64500}),
        ("GeoIP2-Anonymous-IP", {"is_anonymous": True}),
        ("Test", {"country": {"iso_code": "DE"}}),
    ],
)
def test_a_database_of_the_wrong_type_is_refused_and_named(
    tmp_path: Path, kind: str, record: dict[str, object]
) -> None:
    path = write_database(tmp_path / "asn.mmdb", kind, {"192.0.2.0/24": record})
    with pytest.raises(GeoDatabaseError, match=kind):
        open_database(str(path))


def test_a_database_cut_short_at_any_place_is_refused_or_raises_our_error(tmp_path: Path) -> None:
    whole = write_database(
        tmp_path / "w.mmdb", "GeoLite2-City", {"192.0.2.0/24": city(48.1, 11.6)}
    ).read_bytes()
    path = tmp_path / "cut.mmdb"
    for length in range(0, len(whole), max(1, len(whole) // 97)):
        path.write_bytes(whole[:length])
        with pytest.raises(GeoDatabaseError):
            find(path, "192.0.2.1")


def test_a_database_with_any_byte_changed_answers_or_raises_our_error(tmp_path: Path) -> None:
    whole = bytearray(
        write_database(
            tmp_path / "w.mmdb", "GeoLite2-City", {"192.0.2.0/24": city(48.1, 11.6)}
        ).read_bytes()
    )
    path = tmp_path / "bent.mmdb"
    refused = 0
    for position in range(0, len(whole), max(1, len(whole) // 211)):
        bent = bytearray(whole)
        bent[position] ^= 0xFF
        path.write_bytes(bent)
        try:
            find(path, "192.0.2.1")
        except GeoDatabaseError:
            refused += 1
    assert refused


def test_a_file_replaced_in_place_under_an_open_reader_does_no_harm(tmp_path: Path) -> None:
    path = write_database(tmp_path / "c.mmdb", "GeoLite2-City", {"192.0.2.0/24": city(48.1, 11.6)})
    database = open_database(str(path))
    path.write_bytes(b"")
    assert database.find(ip_address("192.0.2.1")) is not None
    database.close()


def test_the_published_city_file_agrees_with_its_source() -> None:
    source = json.loads(
        published("GeoIP2-City-Test.mmdb").with_name("GeoLite2-City-Test.json").read_text()
    )
    database = open_database(str(published("GeoLite2-City-Test.mmdb")))
    checked = 0
    for entry in source:
        for network, record in entry.items():
            location = record.get("location")
            if not location:
                continue
            address = ip_network(network, strict=False)[0]
            found = database.find(address)
            assert found is not None, network
            assert found.coordinates == (location["latitude"], location["longitude"]), network
            checked += 1
    database.close()
    assert checked > 50


def test_the_published_country_file_agrees_with_its_source() -> None:
    path = published("GeoIP2-Country-Test.mmdb")
    database = open_database(str(path))
    checked = 0
    for entry in json.loads(path.with_suffix(".json").read_text()):
        for network, record in entry.items():
            code = (record.get("country") or record.get("registered_country") or {}).get("iso_code")
            if code not in CENTRES:
                continue
            found = database.find(ip_network(network, strict=False)[0])
            assert found is not None, network
            assert found.coordinates == CENTRES[found.country], network
            checked += 1
    database.close()
    assert checked > 50


BAD_FILES = [
    "GeoIP2-City-Test-Broken-Double-Format.mmdb",
    "GeoIP2-City-Test-Invalid-Node-Count.mmdb",
    "bad/bad-unicode-in-map-key.mmdb",
    "bad/cyclic-data-structure.mmdb",
    "bad/invalid-data-record-offset.mmdb",
    "bad/libmaxminddb-corrupt-search-tree.mmdb",
    "bad/libmaxminddb-offset-integer-overflow.mmdb",
]


@pytest.mark.parametrize("name", BAD_FILES)
def test_the_published_bad_files_are_refused(name: str) -> None:
    with pytest.raises(GeoDatabaseError):
        open_database(str(published(name)))


def test_every_published_bad_file_is_tried() -> None:
    if not PUBLISHED.exists():
        pytest.skip("MaxMind test databases are not at hand")
    at_hand = {f"bad/{path.name}" for path in (PUBLISHED / "bad").iterdir()}
    assert at_hand <= set(BAD_FILES)
