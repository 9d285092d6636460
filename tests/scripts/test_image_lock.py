"""The image installs what the program needs, pinned as in the lock, and nothing of the checks."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.image_lock import IMAGE_LOCK, LOCK, ROOT, image_lock, main, requirements_of
from scripts.sbom import read_lock

BLOCKS = """\
a==1 \\
    --hash=sha256:aa
b-b==2 ; python_full_version < '4' \\
    --hash=sha256:bb \\
    --hash=sha256:bc
c==3 \\
    --hash=sha256:cc
"""


def needs(name: str) -> list[str]:
    return {"a": ["B_b >=1", 'c ; extra == "more"', "x ; python_version < '3'"]}.get(name, [])


def test_all_that_is_needed_comes_with_its_digests_and_nothing_else() -> None:
    made = image_lock(BLOCKS, ["a >=1"], needs)
    assert made.endswith(BLOCKS[: BLOCKS.index("c==3")])
    assert "c==3" not in made


def test_an_extra_of_a_package_brings_what_it_needs() -> None:
    assert image_lock(BLOCKS, ["a[more]"], needs).endswith(BLOCKS)


def test_what_the_lock_does_not_have_is_refused() -> None:
    with pytest.raises(LookupError, match="d is not in the lock"):
        image_lock(BLOCKS, ["d"], needs)


def test_the_file_is_what_setup_and_lock_come_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / IMAGE_LOCK.name
    monkeypatch.setattr("scripts.image_lock.IMAGE_LOCK", made)
    assert main() == 0
    assert IMAGE_LOCK.read_text() == made.read_text(), "run `python -m scripts.image_lock`"


def test_every_pin_of_the_image_is_one_of_the_lock() -> None:
    image = read_lock(IMAGE_LOCK.read_text())
    assert {*image} < {*read_lock(LOCK.read_text())}
    assert all(package.digests for package in image)
    names = {package.name for package in image}
    assert names.isdisjoint({"pytest", "mypy", "ruff", "hypothesis", "pyarrow"})
    assert {"aiohttp", "asyncpg", "stripe"} < names


def test_extras_and_the_builder_are_asked_for() -> None:
    wanted = requirements_of((ROOT / "setup.cfg").read_text())
    assert "setuptools" in wanted
    assert any(each.startswith("stripe") for each in wanted)
