"""Every alert fires when it should, stays quiet when it should, and has its page in the runbook."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
RULES = ROOT / "config" / "monitoring" / "alerts.yaml"
CASES = ROOT / "tests" / "vectors" / "alerts.yaml"
RUNBOOK = ROOT / "docs" / "operating" / "runbook.md"


def alerts() -> list[str]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    return [rule["alert"] for rule in group["rules"]]


def test_rules_do_what_their_cases_say(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (Debian's prometheus)")
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES.read_text().replace("[RULES]", f"[{RULES}]"))
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(cases)]):
        done = subprocess.run([promtool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    cases: list[dict[str, Any]] = yaml.safe_load(CASES.read_text())["tests"]
    fires = {
        test["alertname"]
        for case in cases
        for test in case["alert_rule_test"]
        if test.get("exp_alerts")
    }
    assert fires == set(alerts())


def test_the_runbook_has_every_alert_and_no_other() -> None:
    headings = [
        line.removeprefix("## ")
        for line in RUNBOOK.read_text().splitlines()
        if line.startswith("## Cinedge")
    ]
    assert headings == alerts()
