"""The project keeps its own rules, and each rule finds the violation it is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers import tidy_rules
from tests.helpers.source_tree import SourceTree, read_tree

ROOT = Path(__file__).parents[1]

Rule = Callable[[SourceTree], Iterator[str]]
DEEP = """def deep(a):
    if a:
        for b in a:
            while b:
                with b:
                    try:
                        pass
                    finally:
                        pass
"""
ELIF_CHAIN = "def f(a):\n    if a == 0:\n        pass\n" + "".join(
    f"    elif a == {n}:\n        pass\n" for n in range(1, 9)
)

# A rule, the files that break it, and what the complaint must name.
VIOLATIONS: list[tuple[Rule, dict[str, str], str]] = [
    (
        tidy_rules.tiers_meet_only_over_the_wire,
        {"edge/fill.py": "from origin.store import base\n", "origin/store/base.py": ""},
        "edge/fill.py:1",
    ),
    (
        tidy_rules.shared_packages_stand_alone,
        {"cdnkit/keys.py": "def f():\n    from config import topology\n"},
        "cdnkit/keys.py:2",
    ),
    (
        tidy_rules.pure_modules_know_no_world,
        {"edge/decision.py": "from time import time\n"},
        "edge/decision.py:1",
    ),
    (
        tidy_rules.pure_modules_know_no_world,
        {"edge/decision.py": "from edge.cache import disk\n", "edge/cache/disk.py": "import os\n"},
        "imports edge.cache.disk",
    ),
    (tidy_rules.pure_modules_exist, {"edge/http1/__init__.py": ""}, "edge.decision"),
    (
        tidy_rules.domains_know_only_the_catalog,
        {
            "origin/domains/search.py": "import origin.domains.history\n",
            "origin/domains/history.py": "import origin.catalog.titles\n",
            "origin/catalog/titles.py": "",
        },
        "origin/domains/search.py:1",
    ),
    (
        tidy_rules.nothing_imports_scripts_or_tests,
        {"origin/app.py": "import scripts.make_media\n", "tests/test_a.py": "import scripts.a\n"},
        "origin/app.py:1",
    ),
    (
        tidy_rules.nothing_imports_scripts_or_tests,
        {"scripts/bench.py": "from tests.helpers import clock\n"},
        "scripts/bench.py:1",
    ),
    (tidy_rules.imports_are_absolute, {"edge/fill.py": "from . import upstream\n"}, "fill.py:1"),
    (
        tidy_rules.imports_form_no_cycle,
        {
            "edge/a.py": "from edge import b\n",
            "edge/b.py": "import edge.c\n",
            "edge/c.py": "from edge.a import f\n",
        },
        "edge.a",
    ),
    (tidy_rules.modules_are_short, {"edge/a.py": "\n" * 501}, "501 lines"),
    (
        tidy_rules.functions_are_short,
        {"edge/a.py": "class A:\n    async def f(self):\n" + "        await g()\n" * 70},
        "f has 71 lines",
    ),
    (tidy_rules.blocks_are_shallow, {"edge/a.py": DEEP}, "deep nests 5"),
    (
        tidy_rules.fan_out_is_small,
        {f"edge/m{n}.py": "" for n in range(11)}
        | {"edge/a.py": "".join(f"from edge import m{n}\n" for n in range(11))},
        "edge/a.py imports 11",
    ),
    (tidy_rules.lines_are_short, {"tests/test_a.py": "#" * 101}, "tests/test_a.py:1"),
    (
        tidy_rules.every_module_has_its_test,
        {"edge/cache/index.py": "", "tests/edge/test_index.py": ""},
        "tests/edge/cache/test_index.py",
    ),
    (tidy_rules.modules_are_named_for_their_subject, {"origin/utils/dates.py": ""}, "utils/dates"),
    (tidy_rules.modules_say_what_they_are_for, {"edge/a.py": "A = 1\n"}, "edge/a.py"),
    (tidy_rules.web_folders_hold_no_python, {"origin/web/player/a.py": ""}, "web/player/a.py"),
    (
        tidy_rules.kit_is_closed,
        {
            "cdnkit/keys.py": "",
            "cdnkit/drawer.py": "",
            "ARCHITECTURE.md": "Modules of `cdnkit`: `keys`.\n",
        },
        "cdnkit.drawer is not listed",
    ),
    (
        tidy_rules.kit_is_closed,
        {"cdnkit/keys.py": "", "ARCHITECTURE.md": "Modules of `cdnkit`: `keys`,\n`ranges`.\n"},
        "cdnkit.ranges is listed",
    ),
    (
        tidy_rules.every_option_is_in_the_example,
        {
            "config/topology.py": "class A:\n    b: int = setting('')\n    c: int = setting('')\n",
            "config/topology.example.yaml": "a:\n  # - b: 1\n",
        },
        "A.c",
    ),
    (
        tidy_rules.endless_work_is_lasting,
        {
            "edge/a.py": "async def run():\n    while True:\n        await f()\n",
            "edge/b.py": "t = asyncio.create_task(a.run())\n",
        },
        "edge/b.py:1: run",
    ),
    (tidy_rules.no_workshop_paths, {"docs/a.md": "see /" + "work/notes"}, "docs/a.md:1"),
]

RULES = list(dict.fromkeys(rule for rule, _, _ in VIOLATIONS))


@pytest.fixture(scope="module")
def project() -> SourceTree:
    return read_tree(ROOT)


def plant(root: Path, files: dict[str, str]) -> SourceTree:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_tree(root)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_project_keeps_rule(rule: Rule, project: SourceTree) -> None:
    complaints = list(rule(project))
    if complaints:
        pytest.fail(f"{rule.__doc__}\n" + "\n".join(complaints), pytrace=False)


@pytest.mark.parametrize(("rule", "files", "named"), VIOLATIONS)
def test_rule_finds_a_planted_violation(
    rule: Rule, files: dict[str, str], named: str, tmp_path: Path
) -> None:
    complaints = list(rule(plant(tmp_path, files)))
    assert any(named in each for each in complaints), complaints


def test_every_rule_is_tried_on_the_project_and_on_a_violation() -> None:
    defined = {
        function
        for name, function in vars(tidy_rules).items()
        if callable(function) and function.__module__ == tidy_rules.__name__
        if not name.startswith("_") and name not in ("is_in", "is_pure")
    }
    assert defined == set(RULES)


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (tidy_rules.blocks_are_shallow, {"edge/a.py": ELIF_CHAIN}),
        (
            tidy_rules.imports_form_no_cycle,
            {
                "edge/a.py": "if TYPE_CHECKING:\n    import edge.b\n",
                "edge/b.py": "import edge.a\n",
            },
        ),
        (
            tidy_rules.domains_know_only_the_catalog,
            {
                "origin/domains/search/rules.py": "import origin.domains.search.queries\n",
                "origin/domains/search/queries.py": "import origin.catalog.titles, cdnkit.keys\n",
            },
        ),
        (
            tidy_rules.every_module_has_its_test,
            {
                "edge/cache/index.py": "",
                "tests/edge/cache/test_index.py": "",
                "edge/__main__.py": "",
            },
        ),
        (
            tidy_rules.fan_out_is_small,
            {f"edge/m{n}.py": "" for n in range(11)}
            | {"edge/app.py": "".join(f"from edge import m{n}\n" for n in range(11))},
        ),
        (tidy_rules.pure_modules_know_no_world, {"config/load.py": "import os\n"}),
        (
            tidy_rules.endless_work_is_lasting,
            {
                "edge/a.py": "async def f():\n    while True:\n        return\n"
                "async def run():\n    while True:\n        await f()\n",
                "edge/b.py": "create_task(a.f())\ncreate_task(lasting('a', a.run))\n",
            },
        ),
        (tidy_rules.no_workshop_paths, {"docs/a.md": "https://a.example/work/x and artwork/y"}),
    ],
)
def test_rule_lets_pass_what_is_allowed(rule: Rule, files: dict[str, str], tmp_path: Path) -> None:
    assert list(rule(plant(tmp_path, files))) == []
