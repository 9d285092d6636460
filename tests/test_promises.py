"""Every promise in docs/promises.md names what shows it, and that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_SHOWN_BY = re.compile(r"`(tests/[\w/.-]+?)(?:::(\w+))?`")


def promises(text: str) -> list[str]:
    """The points of the lists below the first heading for people."""
    return re.findall(r"^\* (.+)$", text, re.M)


def shown_by(promise: str) -> list[tuple[str, str]]:
    """Files and tests that a promise names; no test for a scenario."""
    return _SHOWN_BY.findall(promise)


def missing(path: str, test: str) -> bool:
    """Whether what is named is not there."""
    file = ROOT / path
    if not file.is_file():
        return True
    if path.endswith(".yaml"):
        return bool(test)
    tree = ast.parse(file.read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return test not in {each.name for each in tree.body if isinstance(each, functions)}


PROMISES = promises((ROOT / "docs" / "promises.md").read_text())


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_names_tests_that_are_there(promise: str) -> None:
    named = shown_by(promise)
    assert named, "nothing shows it"
    assert [each for each in named if missing(*each)] == []


def test_there_are_promises_and_their_breach_is_noticed() -> None:
    assert len(PROMISES) > 20
    (broken,) = promises("# A\n\n* All is well. `tests/test_promises.py::test_nothing`\n")
    assert [missing(*each) for each in shown_by(broken)] == [True]
    assert missing("tests/nowhere.py", "test_a")
    assert missing("tests/faults/stories/nowhere.yaml", "")
    assert shown_by(promises("* Nothing shows this.")[0]) == []


def test_every_scenario_stands_for_a_promise() -> None:
    named = {Path(path).name for each in PROMISES for path, _ in shown_by(each)}
    stories = {path.name for path in (ROOT / "tests" / "faults" / "stories").glob("*.yaml")}
    assert stories - named == set()
