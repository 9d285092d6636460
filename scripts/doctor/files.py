"""Finding out what is in the files of an installation: certificates, databases, geo files."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography import x509
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

import origin.catalog.migrations
from cdnkit.errors import CinedgeError
from config.check_addresses import admin_url
from config.topology import EdgeNode, Geo, Node, OriginNode, Tls, Topology
from geo_router.geodatabase import open_database
from origin.catalog.database import parse_database_url
from scripts.doctor.facts import CertificateFacts, DatabaseFacts, GeoFile

_MIGRATIONS: Final = Path(origin.catalog.migrations.__file__).parent
_CONNECT_SECONDS: Final = 5.0


def certificates(nodes: Iterable[Node], now: float) -> tuple[CertificateFacts, ...]:
    """Of processes with TLS, and of admin addresses with it."""
    found = []
    for node in nodes:
        if node.tls is not None:
            found.append(_certificate(node.name, node.url, node.tls, now))
        if isinstance(node, EdgeNode) and node.admin_tls is not None:
            found.append(_certificate(node.name, admin_url(node), node.admin_tls, now))
    return tuple(found)


def databases(nodes: Iterable[Node]) -> tuple[DatabaseFacts, ...]:
    """Of origins; one that was never made has no revision."""
    return tuple(_database(node) for node in nodes if isinstance(node, OriginNode))


def geo_files(topology: Topology, now: float) -> tuple[GeoFile, ...]:
    """Database and table of a topology."""
    geo = topology.geo or Geo("")
    found = [_geo_database(path, now) for path in (geo.database, geo.database_ipv6) if path]
    if geo.table:
        found.append(GeoFile(geo.table, _why_unreadable(geo.table)))
    return tuple(found)


def _certificate(name: str, url: str, tls: Tls, now: float) -> CertificateFacts:
    path, key = tls.certificate, tls.key
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(path, key, password=str)
        found = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
        mode = os.stat(key).st_mode
    except OSError as error:
        return CertificateFacts(name, path, error.strerror or str(error))
    except ValueError as error:
        return CertificateFacts(name, path, str(error))
    return CertificateFacts(
        name,
        path,
        "",
        host=urlsplit(url).hostname or "",
        names=_names_in(found),
        seconds_left=found.not_valid_after_utc.timestamp() - now,
        key_path=key,
        key_mode=mode & 0o777,
    )


def _names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = map(str, held.get_values_for_type(x509.IPAddress))
    return (*held.get_values_for_type(x509.DNSName), *addresses)


def _database(node: OriginNode) -> DatabaseFacts:
    url = parse_database_url(node.database, Path(node.data))
    script = ScriptDirectory(str(_MIGRATIONS))
    newest = script.get_current_head() or ""
    shown = url.render_as_string(hide_password=True)
    is_file = url.get_backend_name() == "sqlite"
    if is_file and not Path(str(url.database)).exists():
        return DatabaseFacts(node.name, shown, newest=newest)
    if is_file:
        url = url.set(database=f"file:{url.database}", query={"mode": "ro", "uri": "true"})
    try:
        revision = asyncio.run(_revision(url))
    except (SQLAlchemyError, OSError, TimeoutError, ImportError) as error:
        said = str(getattr(error, "orig", None) or error) or type(error).__name__
        return DatabaseFacts(node.name, shown, said, newest=newest)
    known = {each.revision for each in script.walk_revisions()}
    return DatabaseFacts(node.name, shown, "", revision, newest, revision in {None, *known})


async def _revision(url: sa.URL) -> str | None:
    engine = create_async_engine(url)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS), engine.connect() as connection:
            return await connection.run_sync(
                lambda plain: MigrationContext.configure(plain).get_current_revision()
            )
    finally:
        await engine.dispose()


def _geo_database(path: str, now: float) -> GeoFile:
    try:
        open_database(path).close()
        return GeoFile(path, "", now - os.stat(path).st_mtime)
    except (CinedgeError, OSError) as error:
        return GeoFile(path, str(getattr(error, "detail", error)))


def _why_unreadable(path: str) -> str:
    try:
        with open(path, "rb"):
            return ""
    except OSError as error:
        return error.strerror or str(error)
