"""Topologies for other name servers."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from cdnkit.errors import BadRequestError
from config.locating import Geo
from config.topology import Topology
from geo_router.export import export
from tests.geo_router.dns_worlds import SETTINGS
from tests.geo_router.geo_files import published
from tests.geo_router.worlds import edges_of, topology_of
from tests.helpers.processes import wait_until


def topology() -> Topology:
    edges = [
        dataclasses.replace(edge, addresses=(f"192.0.2.{number}", f"2001:db8::{number}"))
        for number, edge in enumerate(edges_of({"fra": 1, "nyc": 2, "sgp": 1}), 1)
    ]
    geo = Geo("fra", {"10.0.0.0/8": "nyc"}, "city.mmdb")
    return dataclasses.replace(topology_of(edges, geo), dns=SETTINGS)


def test_powerdns_gets_records_for_every_country_and_services_that_find_them() -> None:
    (domain,) = yaml.safe_load(export(topology(), "powerdns"))["domains"]
    records = domain["records"]
    assert domain["domain"] == "cdn.example"
    assert records["de.place.cdn.example"] == [{"a": "192.0.2.1"}, {"aaaa": "2001:db8::1"}]
    assert [r["a"] for r in records["us.place.cdn.example"] if "a" in r] == [
        "192.0.2.2",
        "192.0.2.3",
    ]
    assert records["au.place.cdn.example"][0] == {"a": "192.0.2.4"}
    assert set(domain["services"]) == {"cdn.example", "*.cdn.example"}
    assert len(records) > 200


def test_gdnsd_gets_sites_by_coordinates_and_prefixes_by_order() -> None:
    text = export(topology(), "gdnsd")
    assert 'datacenters => ["fra", "nyc", "sgp"]' in text
    assert '"sgp" => [1.35, 103.8]' in text
    assert '"10.0.0.0/8" => ["nyc", "fra", "sgp"]' in text
    assert '"nyc" => { "nyc-0" => 192.0.2.2, "nyc-1" => 192.0.2.3 }' in text
    assert "# * 20 DYNA geoip!cinedge" in text
    assert text.count("{") == text.count("}")


def test_without_zone_or_address_there_is_nothing_to_export() -> None:
    with pytest.raises(BadRequestError, match="no zone"):
        export(dataclasses.replace(topology(), dns=type(SETTINGS)()), "gdnsd")
    named = dataclasses.replace(edges_of({"fra": 1})[0], url="https://edge.example")
    with pytest.raises(BadRequestError, match="no edge has an address"):
        export(dataclasses.replace(topology(), edges=(named,)), "powerdns")


def test_powerdns_serves_what_was_exported(tmp_path: Path) -> None:
    server, dig = shutil.which("pdns_server"), shutil.which("dig")
    modules = sorted(Path("/usr/lib").glob("*/pdns/libgeoipbackend.so"))
    if server is None or dig is None or not modules:
        pytest.skip("PowerDNS with its geoip backend and dig are not installed")
    (tmp_path / "zones.yaml").write_text(export(topology(), "powerdns"))
    port = 20_000 + (tmp_path.stat().st_ino % 9_000)
    command = [
        server, f"--config-dir={tmp_path}", f"--module-dir={modules[0].parent}", "--launch=geoip",
        f"--geoip-zones-file={tmp_path / 'zones.yaml'}", f"--socket-dir={tmp_path}",
        f"--geoip-database-files=mmdb:{published('GeoLite2-City-Test.mmdb').resolve()}",
        "--local-address=127.0.0.1", f"--local-port={port}", "--edns-subnet-processing=yes",
        "--daemon=no", "--guardian=no", "--disable-syslog", "--setuid=", "--setgid=",
    ]  # fmt: skip

    def ask(subnet: str) -> set[str]:
        words = [dig, "@127.0.0.1", "-p", str(port), "+short", "+time=1", "+tries=1"]
        done = subprocess.run(
            [*words, f"+subnet={subnet}", "play.cdn.example", "A"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return set(done.stdout.split())

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: ask("192.0.2.1/32") == {"192.0.2.1"}, "it serves the default")
            assert ask("216.160.83.56/32") == {"192.0.2.2", "192.0.2.3"}  # the USA
            assert ask("2.125.160.216/32") == {"192.0.2.1"}  # Great Britain
        finally:
            process.kill()
