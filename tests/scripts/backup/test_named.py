"""What a backup does not hold is told by name."""

from __future__ import annotations

from config.load import parse_topology
from scripts.backup.named import Named, named_by

TOPOLOGY = """
origins: [{name: o, listen: "127.0.0.1:1", data: data, database_env: DB}]
authorities: /tls/own.pem
sites: [{name: fra, latitude: 1, longitude: 1}]
edges:
  - name: e
    site: fra
    listen: 127.0.0.1:2
    disks: [{path: /c}]
    tls: {certificate: /tls/fullchain.pem, key: /tls/key.pem}
routes: [{prefix: /, upstream: ["https://x/"], upstream_tls: {ca: /tls/ca.pem}}]
access_tokens: [{name: studio, secret_env: STUDIO}]
service:
  mail: {host: h, sender: a@b.c, login: {user: u, secret_env: MAIL}}
"""


def test_every_variable_and_key_file_is_named() -> None:
    environ = {"STUDIO": "x" * 32, "MAIL": "hidden-password", "DB": "sqlite://"}
    named = named_by(parse_topology(TOPOLOGY, environ))
    assert named.variables == ("DB", "MAIL", "STUDIO")
    assert named.files == ("/tls/ca.pem", "/tls/fullchain.pem", "/tls/key.pem", "/tls/own.pem")
    assert "hidden-password" not in repr(named)


def test_a_topology_without_secrets_needs_nothing() -> None:
    plain = 'origins: [{name: o, listen: "127.0.0.1:1", data: data}]'
    assert named_by(parse_topology(plain, {})) == Named()
