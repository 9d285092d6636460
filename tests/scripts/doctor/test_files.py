"""Claims about what is found in files."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.topology import Address, CacheDisk, EdgeNode, Geo, OriginNode, Tls, Topology
from origin.catalog.database import open_database, parse_database_url
from scripts.doctor import files

LISTEN = Address("127.0.0.1", 1)
ENDS_AT = 2_000_000_000


def make_certificate(folder: Path, *, names: bool = True) -> Tls:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "e")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime.fromtimestamp(0, datetime.UTC))
        .not_valid_after(datetime.datetime.fromtimestamp(ENDS_AT, datetime.UTC))
    )
    if names:
        held = [x509.DNSName("*.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(held), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "k.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    os.chmod(folder / "k.pem", 0o640)
    return Tls(str(folder / "c.pem"), str(folder / "k.pem"))


def edge(tls: Tls) -> EdgeNode:
    return EdgeNode("e", "s", LISTEN, (CacheDisk("c"),), tls=tls, url="https://e.example:1")


def test_a_certificate_tells_names_end_and_who_reads_its_key(tmp_path: Path) -> None:
    (found,) = files.certificates([edge(make_certificate(tmp_path))], ENDS_AT - 100.0)
    assert (found.error, found.host, found.names) == ("", "e.example", ("*.example", "192.0.2.1"))
    assert (found.seconds_left, found.key_mode) == (100.0, 0o640)


def test_the_certificate_of_an_admin_address_is_looked_at_under_its_own_name(
    tmp_path: Path,
) -> None:
    admin = Address("admin.example", 2)
    node = replace(edge(make_certificate(tmp_path)), tls=None, admin=admin)
    assert files.certificates([node], 0.0) == ()
    (found,) = files.certificates([replace(node, admin_tls=make_certificate(tmp_path))], 0.0)
    assert (found.node, found.error, found.host) == ("e", "", "admin.example")


def test_a_certificate_without_names_has_none(tmp_path: Path) -> None:
    (found,) = files.certificates([edge(make_certificate(tmp_path, names=False))], 0.0)
    assert (found.error, found.names) == ("", ())


def test_a_certificate_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    tls = make_certificate(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    strange = make_certificate(other)
    for broken in (Tls(tls.certificate, strange.key), Tls(str(tmp_path / "no"), tls.key)):
        assert files.certificates([edge(broken)], 0.0)[0].error
    (tmp_path / "c.pem").write_text("no certificate")
    assert files.certificates([edge(tls)], 0.0)[0].error


@pytest.fixture
def origin(tmp_path: Path) -> OriginNode:
    return OriginNode("o", LISTEN, str(tmp_path))


@pytest.fixture
def catalog(origin: OriginNode, tmp_path: Path) -> Path:
    async def make() -> None:
        await (await open_database(parse_database_url("", tmp_path))).close()

    asyncio.run(make())
    return tmp_path / "catalog.sqlite"


def test_a_database_that_was_never_made_has_no_revision(origin: OriginNode) -> None:
    (found,) = files.databases([origin])
    assert (found.error, found.revision, found.is_known) == ("", None, True)
    assert found.newest
    assert not (Path(origin.data) / "catalog.sqlite").exists()


def test_a_database_of_this_program_is_at_the_newest(origin: OriginNode, catalog: Path) -> None:
    before = catalog.read_bytes()
    (found,) = files.databases([origin])
    assert (found.error, found.revision, found.is_known) == ("", found.newest, True)
    assert catalog.read_bytes() == before


def test_a_database_of_a_newer_program_is_not_known(origin: OriginNode, catalog: Path) -> None:
    with sqlite3.connect(catalog) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    (found,) = files.databases([origin])
    assert (found.revision, found.is_known) == ("9999", False)


def test_a_database_that_is_none_says_so(origin: OriginNode, catalog: Path) -> None:
    catalog.write_bytes(b"no database at all" * 100)
    (found,) = files.databases([origin])
    assert "not a database" in found.error


def test_a_database_server_that_is_away_is_an_error_without_the_password() -> None:
    pytest.importorskip("asyncpg")
    url = "postgresql://films:hush@127.0.0.1:1/films"
    (found,) = files.databases([OriginNode("o", LISTEN, "d", database=url)])
    assert found.error
    assert "hush" not in found.url + found.error


def test_geo_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    broken, table = tmp_path / "g.mmdb", tmp_path / "t.csv"
    broken.write_bytes(b"x" * 100)
    geo = Geo("fra", database=str(broken), table=str(table))
    database, places = files.geo_files(Topology(geo=geo), 0.0)
    assert database.error
    assert places.error == "No such file or directory"
    table.write_text("")
    assert files.geo_files(Topology(geo=geo), 0.0)[1].error == ""
    assert files.geo_files(Topology(), 0.0) == ()
