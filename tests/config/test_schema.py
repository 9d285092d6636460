"""Claims about the JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from config.example import topology_example
from config.schema import topology_schema
from config.shape import fields_of
from config.topology import Topology
from tests.config.test_example import records, uncommented

_FILE = Path(__file__).parents[2] / "config" / "topology.schema.json"
_EDGE: dict[str, Any] = {
    "name": "e",
    "site": "s",
    "listen": "127.0.0.1:1",
    "disks": [{"path": "c"}],
}


def is_valid(document: Any) -> bool:
    return bool(Draft202012Validator(topology_schema()).is_valid(document))


def test_file_is_what_the_declarations_make() -> None:
    assert json.loads(_FILE.read_text("utf-8")) == topology_schema(), "run: cinedge topology schema"


def test_schema_is_one() -> None:
    Draft202012Validator.check_schema(topology_schema())


@pytest.mark.parametrize("text", [topology_example(), uncommented(topology_example())])
def test_example_is_valid_as_it_stands_and_with_everything_said(text: str) -> None:
    assert is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("record", records())
def test_every_setting_is_described(record: type[Any]) -> None:
    schema = topology_schema()
    properties = (
        schema["properties"]
        if record is Topology
        else schema["$defs"][record.__name__]["properties"]
    )
    for field in fields_of(record):
        assert properties[field.name]["description"] == field.facts.doc


@pytest.mark.parametrize(
    "changes",
    [
        {"weigth": 1},
        {"workers": 0},
        {"workers": "4"},
        {"listen": "nowhere"},
        {"url": "ftp://a"},
        {"name": "a b"},
        {"settings": {"block_bytes": "1M"}},
        {"settings": {"head_timeout_seconds": "5min"}},
        {"disks": None},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(changes: dict[str, Any]) -> None:
    assert is_valid({"edges": [_EDGE]})
    assert not is_valid({"edges": [{**_EDGE, **changes}]})


def test_a_secret_is_given_in_exactly_one_way() -> None:
    assert is_valid({"token_keys": [{"id": "k", "secret_env": "K"}]})
    assert not is_valid({"token_keys": [{"id": "k", "secret_env": "K", "secret": "s"}]})
    assert not is_valid({"token_keys": [{"id": "k"}]})
