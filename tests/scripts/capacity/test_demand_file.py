"""Claims about reading demand files."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.complaints import TopologyError
from scripts.capacity.demand_file import load_demand, parse_demand

_SOUND = """\
peak_bytes_per_second: 1GB
servers:
  - name: s
    bytes_per_second: 100MB
    disk_bytes: 1TB
"""


def refusal(text: str) -> list[str]:
    with pytest.raises(TopologyError) as caught:
        parse_demand(text)
    return str(caught.value).splitlines()


def test_what_is_left_out_has_its_default() -> None:
    demand = parse_demand(_SOUND)
    assert demand.catalogue.titles == 20_000
    assert [region.name for region in demand.regions] == ["everywhere"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "1GB",
            "1G",
            "demand.yaml:1:24: peak_bytes_per_second: unit 'G' is ambiguous; "
            "write 1GiB (1024s) or 1GB",
        ),
        (
            "peak_bytes",
            "peek_bytes",
            "demand.yaml:1:1: peek_bytes_per_second: unknown setting; "
            "did you mean 'peak_bytes_per_second'?",
        ),
        (
            "    disk_bytes: 1TB\n",
            "",
            "demand.yaml:3:5: servers[0].disk_bytes: missing; expected a size such as 64KiB or "
            "10GiB; add `disk_bytes: 64KiB`, for example",
        ),
        (
            "name: s",
            "name: s\n    xyzzy: 1",
            "demand.yaml:4:5: servers[0].xyzzy: unknown setting; known: name, bytes_per_second, "
            "disk_bytes, disks, monthly_price, monthly_price_per_terabyte",
        ),
        (
            "servers:",
            "catalogue: {popularity: zipf}\nservers:",
            "demand.yaml:2:25: catalogue.popularity: there is no popularity 'zipf'; "
            "write netflix, or zipf:1.0",
        ),
    ],
)
def test_a_mistake_has_file_line_path_and_fix(old: str, new: str, complaint: str) -> None:
    assert old in _SOUND
    assert complaint in refusal(_SOUND.replace(old, new, 1))


def test_all_mistakes_are_found_at_once() -> None:
    assert len(refusal(_SOUND.replace("1GB", "x").replace("1TB", "y"))) == 2


def test_a_missing_section_is_shown_by_the_example_of_this_command() -> None:
    (line,) = refusal("peak_bytes_per_second: 1GB\n")
    assert line.endswith("add `servers:`; `cinedge capacity --example` shows one")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TopologyError, match=r"nothing\.yaml: cannot be read"):
        load_demand(tmp_path / "nothing.yaml")
    (tmp_path / "demand.yaml").write_text(_SOUND)
    assert load_demand(tmp_path / "demand.yaml").servers[0].name == "s"
