"""The units that operators copy start what there is, and systemd takes them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.cli.main import parser_of

ROOT = Path(__file__).parents[1]
SYSTEMD = ROOT / "docs" / "operating" / "deployment" / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
BACKUP = SYSTEMD / "cinedge-backup@.service"
TIERS = [unit for unit in UNITS if unit != BACKUP]
EXPOSURE_MAX = 20
"""In tenths of what `systemd-analyze security` says."""


def settings_of(unit: Path) -> list[tuple[str, str]]:
    lines = [line for line in unit.read_text().splitlines() if "=" in line and line[0] != "#"]
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


@pytest.mark.parametrize("unit", TIERS, ids=lambda unit: unit.stem)
def test_the_command_of_a_unit_is_one_of_ours(unit: Path) -> None:
    (command,) = (value for name, value in settings_of(unit) if name == "ExecStart")
    program, tier, *words = shlex.split(command.replace("%i", "edge-fra"))
    assert program.endswith("/.venv/bin/cinedge")
    assert unit.name == f"cinedge-{tier}@.service"
    args = parser_of(tier).parse_args(words)
    assert (str(args.topology), args.name) == ("/etc/cinedge/topology.yaml", "edge-fra")


def test_there_is_a_unit_for_each_tier() -> None:
    assert [unit.stem for unit in TIERS] == ["cinedge-edge@", "cinedge-origin@", "cinedge-router@"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_takes_a_unit_and_calls_it_safe(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("needs systemd-analyze")
    copy = tmp_path / unit.name
    # The program has to exist; that of this checkout does.
    copy.write_text(unit.read_text().replace("/opt/cinedge", str(ROOT)))
    for words in (
        ["verify", "--man=no"],
        ["security", "--offline=true", f"--threshold={EXPOSURE_MAX}"],
    ):
        done = subprocess.run(
            [analyze, *words, str(copy)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_backup_is_made_and_old_ones_removed_in_one_folder_that_may_be_written() -> None:
    said = settings_of(BACKUP)
    parsed = []
    for command in (value for name, value in said if name == "ExecStart"):
        program, name, *words = shlex.split(command.replace("%i", "origin-1"))
        assert program.endswith("/.venv/bin/cinedge")
        parsed.append(parser_of(name).parse_args(words))
    make, prune = parsed
    assert (make.action, prune.action) == ("make", "prune")
    assert (make.topology, make.name) == ("/etc/cinedge/topology.yaml", "origin-1")
    assert make.folder == prune.folder
    assert dict(said)["ReadWritePaths"] == str(make.folder)
    assert BACKUP.with_suffix(".timer").exists()
