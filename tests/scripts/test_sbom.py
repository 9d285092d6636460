"""The bill of materials names what the lock names, with digests and licences, always alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.sbom import (
    LOCK,
    UNKNOWN,
    LockError,
    Package,
    describe,
    licence_lines,
    licence_of,
    main,
    read_lock,
)

A, B = "a" * 64, "b" * 64
TEXT = f"""\
# a comment
first==1.0 \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
Second_One==2.0.post1 ; python_version < '3.12' \\
    --hash=sha256:{B}
"""
PACKAGES = [
    Package("first", "1.0", "", (A, B)),
    Package("Second_One", "2.0.post1", "python_version < '3.12'", (B,)),
]


def test_a_lock_is_read_with_digests_and_markers() -> None:
    assert read_lock(TEXT) == PACKAGES
    assert PACKAGES[1].purl == "pkg:pypi/second-one@2.0.post1"


@pytest.mark.parametrize("text", ["first>=1.0", "first==1.0", f"--hash=sha256:{A}", "-e ."])
def test_a_lock_that_pins_not_everything_is_refused(text: str) -> None:
    with pytest.raises(LockError):
        read_lock(text)


@pytest.mark.parametrize(
    ("facts", "classifiers", "licence"),
    [
        ({"License-Expression": "MIT", "License": "x"}, [], "MIT"),
        ({"License": "x"}, ["License :: OSI Approved :: MIT License"], "MIT License"),
        ({"License": "BSD"}, ["Topic :: Internet"], "BSD"),
        ({"License": "The whole\ntext"}, [], UNKNOWN),
        ({}, [], UNKNOWN),
    ],
)
def test_a_licence_is_what_a_package_says_most_exactly(
    facts: dict[str, Any], classifiers: list[str], licence: str
) -> None:
    assert licence_of(facts, classifiers) == licence


def test_a_component_has_what_other_programs_compare() -> None:
    document = describe(PACKAGES, {"first": "MIT"}, "0.1.0", "digest")
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    first, second = document["components"]
    assert first["licenses"] == [{"license": {"name": "MIT"}}]
    assert [each["content"] for each in first["externalReferences"][0]["hashes"]] == [A, B]
    assert "licenses" not in second
    assert second["properties"][0]["value"] == "python_version < '3.12'"
    assert document["dependencies"][0]["dependsOn"] == [each.purl for each in PACKAGES]
    assert document != describe(PACKAGES, {"first": "MIT"}, "0.1.0", "another")


def test_the_lock_of_this_project_is_described_alike_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = []
    for _ in range(2):
        assert main([]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    named = {each["name"] for each in json.loads(said[0])["components"]}
    assert {"aiohttp", "uvloop", "cbor2"} <= named


def test_licences_are_listed_a_line_a_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--licences"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(read_lock(LOCK.read_text()))
    assert any(line.startswith("aiohttp ") and "Apache" in line for line in lines)
    short = list(licence_lines(PACKAGES, {"first": "MIT", "Second_One": UNKNOWN}))
    assert short == ["first 1.0             MIT", "Second_One 2.0.post1  unknown"]
