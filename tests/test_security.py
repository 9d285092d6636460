"""What docs/security.md says is shown by tests that are there; rules that no single test shows."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdnkit.service.operations import Shape
from cdnkit.tokens.keys import Key
from config import service, token_keys, topology
from config.declare import facts_of
from config.token_keys import TokenKey
from tests.test_promises import missing, promises, shown_by

ROOT = Path(__file__).parents[1]
TIERS = ("cdnkit", "config", "edge", "geo_router", "origin")
POINTS = promises((ROOT / "docs" / "security.md").read_text())
SECRET = re.compile(r"(signature|(^|_)mac|secret|token|password|pin|hash)\Z")
# A row that was read again within its transaction is the row that was judged, or is not.
READ_AGAIN = {
    "present.password_hash != account.password_hash",
    "present.pin_hash != profile.pin_hash",
    "row.token != claim.token",
}


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point[:60])
def test_a_point_names_tests_that_are_there(point: str) -> None:
    named = shown_by(point)
    assert named, "nothing shows it"
    assert [each for each in named if missing(*each)] == []


def test_every_line_of_trust_has_its_points() -> None:
    assert len(POINTS) > 30


def comparisons(source: str) -> Iterator[str]:
    """Comparisons for equality with something that is called like a secret."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        operands = [node.left, *node.comparators]
        if any(isinstance(each, ast.Constant) for each in operands):
            continue
        if any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops) and any(
            SECRET.search(_name(each)) for each in operands
        ):
            yield ast.unparse(node)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_no_secret_is_compared_letter_by_letter() -> None:
    found = {
        comparison
        for tier in TIERS
        for path in (ROOT / tier).rglob("*.py")
        for comparison in comparisons(path.read_text())
        # A database looks things up in an index.
        if ".c." not in comparison
    }
    assert found <= READ_AGAIN
    assert list(comparisons("if given == self.secret: pass")) == ["given == self.secret"]


def test_bodies_take_no_members_but_those_declared() -> None:
    assert Shape.model_config["extra"] == "forbid"
    others = [
        str(path)
        for tier in TIERS
        for path in (ROOT / tier).rglob("*.py")
        if re.search(r"\bextra\s*=\s*[\"'](allow|ignore)", path.read_text())
    ]
    # Titles carry whatever facts an integrator keeps of them.
    assert others == [str(ROOT / "origin" / "title_shapes.py")]


def secret_settings() -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    records = [each for module in (topology, service, token_keys) for each in vars(module).values()]
    for record in records:
        if isinstance(record, type) and dataclasses.is_dataclass(record):
            for each in dataclasses.fields(record):
                if each.metadata and facts_of(each).secret:
                    yield f"{record.__name__}.{each.name}", each


def test_no_secret_of_a_topology_is_in_its_text() -> None:
    found = dict(secret_settings())
    assert {"AccessToken.secret", "TokenKey.secret", "Payments.secret"} <= set(found)
    assert [name for name, each in found.items() if each.repr] == []
    assert "k" * 40 not in repr(TokenKey("k1", "k" * 40))
    assert "k" * 40 not in repr(Key("k1", "native", "HS256", b"k" * 40))


@pytest.mark.parametrize("node", [topology.OriginNode, topology.EdgeNode, topology.RouterNode])
def test_every_address_of_a_topology_but_dns_takes_tls(node: type[Any]) -> None:
    fields = {field.name: field for field in dataclasses.fields(node)}
    for name, field in fields.items():
        if facts_of(field).unit == "address" and name != "dns":
            tls = "tls" if name == "listen" else f"{name}_tls"
            assert tls in fields, f"{node.__name__}.{name} is plain HTTP for good"


def test_every_command_says_whom_it_believes() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("scripts/change", "scripts/cli", "scripts/doctor", "scripts/overview")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("httpx.")
        and ast.unparse(node.func).partition(".")[2] in {"get", "post", "Client", "AsyncClient"}
        and "verify" not in {keyword.arg for keyword in node.keywords}
    ]
    assert silent == [], "the client library has a list of authorities of its own"
