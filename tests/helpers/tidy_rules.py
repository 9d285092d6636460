"""The rules of CONTRIBUTING.md that a machine can check. Each yields sentences; none means clean.

A rule takes a whole tree, so that a test can plant a violation in a small one and see it found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.helpers.source_tree import Function, Module, SourceTree

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
NESTING_MAX = 4
FAN_OUT_MAX = 10
LINE_CHARACTERS_MAX = 100

TIERS = ("origin", "edge", "geo_router")
SHARED = ("cdnkit", "config")
DOMAINS_ROOT = "origin.domains.app"
"""Puts the domains together, and so knows them all."""
PURE = (
    "cdnkit",
    "config",
    "edge.cache.index",
    "edge.cache.policy",
    "edge.cmcd",
    "edge.decision",
    "edge.hints",
    "edge.http1",
    "edge.onward",
    "edge.profile",
    "edge.portions",
    "edge.readahead",
    "edge.respond",
    "edge.routing",
    "edge.tiers",
    "edge.trust",
    "edge.upstream.failures",
    "edge.upstream.health",
    "edge.upstream.limits",
    "geo_router.agreement",
    "geo_router.answers",
    "geo_router.atlas",
    "geo_router.choose",
    "geo_router.client_address",
    "geo_router.countries",
    "geo_router.demand",
    "geo_router.dns_limit",
    "geo_router.dns_quick",
    "geo_router.fleet",
    "geo_router.measurements",
    "geo_router.overview.board",
    "geo_router.overview.figures",
    "geo_router.overview.flows",
    "geo_router.overview.history",
    "geo_router.overview.journal",
    "geo_router.pacing",
    "geo_router.place",
    "geo_router.prefix_files",
    "geo_router.prefixes",
    "geo_router.spread",
    "geo_router.steering",
    "origin.batch.generator",
    "origin.batch.manifest",
    "origin.ingest.session",
    "origin.placement.hours",
    "origin.placement.planner",
    "origin.reply",
    "origin.store.crc32c",
    "origin.store.sums",
    "scripts.capacity",
    "scripts.cli.errors",
)
IMPURE = ("cdnkit.service", "config.load", "config.node_file", "scripts.capacity.demand_file")
"""Exceptions inside the packages of PURE."""
OUTSIDE_WORLD = frozenset(
    {
        *("aiofiles", "aiohttp", "asyncio", "httpx", "os", "random", "socket", "subprocess"),
        *("threading", "time"),
    }
)
DRAWERS = frozenset({"common", "helper", "helpers", "misc", "util", "utils"})
WITHOUT_OWN_TEST = frozenset({"__init__", "__main__"})
TEXT_SUFFIXES = frozenset({".cfg", ".lock", ".md", ".py", ".sh", ".toml", ".yaml", ".yml", ""})
WORKSHOP_PATH = re.compile(r"(?<![\w.])/(?:work|root)/\w")
BLOCKS = (
    *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith),
    *(ast.Try, ast.TryStar, ast.Match),
)


def is_in(name: str, package: str) -> bool:
    """Whether a module is `package` or lies inside it."""
    return name == package or name.startswith(f"{package}.")


def is_pure(name: str) -> bool:
    """Whether a module promises to know neither the world nor the time."""
    return any(is_in(name, each) for each in PURE) and not any(is_in(name, each) for each in IMPURE)


def _sources(tree: SourceTree) -> Iterator[Module]:
    return (module for module in tree.modules.values() if module.package != "tests")


def tiers_meet_only_over_the_wire(tree: SourceTree) -> Iterator[str]:
    """origin, edge and geo_router never import each other."""
    for module in _sources(tree):
        for each in module.imports:
            package = each.target.partition(".")[0]
            if module.package in TIERS and package in TIERS and package != module.package:
                yield f"{module.path}:{each.line}: {module.package} imports {each.target}"


def shared_packages_stand_alone(tree: SourceTree) -> Iterator[str]:
    """cdnkit and config import nothing of ours, nor each other."""
    ours = {*TIERS, *SHARED, "scripts", "tests"}
    for module in _sources(tree):
        for each in module.imports:
            package = each.target.partition(".")[0]
            if module.package in SHARED and package in ours and package != module.package:
                yield f"{module.path}:{each.line}: {module.package} imports {each.target}"


def pure_modules_know_no_world(tree: SourceTree) -> Iterator[str]:
    """A pure module imports no I/O, clock or chance, nor a module of ours that is not pure."""
    for module in filter(lambda module: is_pure(module.name), _sources(tree)):
        for each in module.imports:
            top = each.target.partition(".")[0]
            if top in OUTSIDE_WORLD or (each.target in tree.modules and not is_pure(each.target)):
                yield f"{module.path}:{each.line}: a pure module imports {each.target}"


def pure_modules_exist(tree: SourceTree) -> Iterator[str]:
    """The list of pure modules names what is there."""
    for name in (*PURE, *IMPURE):
        if name not in tree.modules:
            yield f"{name} is listed as pure or impure, but there is no such module"


def domains_know_only_the_catalog(tree: SourceTree) -> Iterator[str]:
    """A domain imports cdnkit and origin.catalog, never another domain or part of the origin."""
    for module in _sources(tree):
        if not module.name.startswith("origin.domains.") or module.name == DOMAINS_ROOT:
            continue
        own = ".".join(module.name.split(".")[:3])
        for each in module.imports:
            allowed = is_in(each.target, own) or is_in(each.target, "origin.catalog")
            if is_in(each.target, "origin") and not allowed:
                yield f"{module.path}:{each.line}: a domain imports {each.target}"


def nothing_imports_scripts_or_tests(tree: SourceTree) -> Iterator[str]:
    """Only scripts and tests import scripts; only tests import tests."""
    importers = {"scripts": {"scripts", "tests"}, "tests": {"tests"}}
    for module in tree.modules.values():
        for each in module.imports:
            package = each.target.partition(".")[0]
            if package in importers and module.package not in importers[package]:
                yield f"{module.path}:{each.line}: {module.package} imports {each.target}"


def imports_are_absolute(tree: SourceTree) -> Iterator[str]:
    """No relative imports."""
    for module in tree.modules.values():
        for each in module.imports:
            if each.relative:
                yield f"{module.path}:{each.line}: relative import"


def imports_form_no_cycle(tree: SourceTree) -> Iterator[str]:
    """No modules that import each other at load time."""
    graph = {name: tree.own_imports(module, at_load=True) for name, module in tree.modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield "import cycle: " + " -> ".join(reversed(error.args[1]))


def modules_are_short(tree: SourceTree) -> Iterator[str]:
    """No module is longer than it can be read in one sitting."""
    for module in tree.modules.values():
        if len(module.lines) > MODULE_LINES_MAX:
            yield f"{module.path}: {len(module.lines)} lines, at most {MODULE_LINES_MAX}"


def functions_are_short(tree: SourceTree) -> Iterator[str]:
    """No function is longer than a screen."""
    for module in tree.modules.values():
        for function in module.functions():
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > FUNCTION_LINES_MAX:
                where = f"{module.path}:{function.lineno}: {function.name}"
                yield f"{where} has {length} lines, at most {FUNCTION_LINES_MAX}"


def blocks_are_shallow(tree: SourceTree) -> Iterator[str]:
    """No block lies deeper than four others; an elif is not deeper than its if."""
    for module in tree.modules.values():
        for function in module.functions():
            depth = _depth(function.body)
            if depth > NESTING_MAX:
                where = f"{module.path}:{function.lineno}: {function.name}"
                yield f"{where} nests {depth} blocks, at most {NESTING_MAX}"


def _depth(body: list[ast.stmt]) -> int:
    return max(map(_depth_of, body), default=0)


def _depth_of(node: ast.AST) -> int:
    if isinstance(node, (*Function.__args__, ast.ClassDef)):
        return 0  # counted by itself
    inner = max(map(_depth_of, ast.iter_child_nodes(node)), default=0)
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        below = max(_depth(node.body), _depth_of(node.orelse[0]) - 1)
        return 1 + below
    return inner + isinstance(node, BLOCKS)


def fan_out_is_small(tree: SourceTree) -> Iterator[str]:
    """No module knows more than ten others, but those whose job is to wire."""
    for module in _sources(tree):
        wires = module.stem in ("app", "__main__") or is_in(module.name, "scripts.cli")
        known = tree.own_imports(module)
        if not wires and len(known) > FAN_OUT_MAX:
            yield f"{module.path} imports {len(known)} of our modules, at most {FAN_OUT_MAX}"


def lines_are_short(tree: SourceTree) -> Iterator[str]:
    """No line is longer than a hundred characters."""
    for module in tree.modules.values():
        for number, line in enumerate(module.lines, 1):
            if len(line) > LINE_CHARACTERS_MAX:
                yield f"{module.path}:{number}: {len(line)} characters"


def every_module_has_its_test(tree: SourceTree) -> Iterator[str]:
    """X/Y.py is tested in tests/X/test_Y.py."""
    for module in _sources(tree):
        if module.stem in WITHOUT_OWN_TEST or ".migrations." in module.name:
            continue
        path = Path("tests") / Path(module.path).with_name(f"test_{module.stem}.py")
        if not (tree.root / path).exists():
            yield f"{module.path} has no test file {path}"


def modules_are_named_for_their_subject(tree: SourceTree) -> Iterator[str]:
    """No drawer: no module called utils, common, helpers or misc."""
    for module in tree.modules.values():
        parts = set(module.name.split(".")) - ({"helpers"} if module.package == "tests" else set())
        if parts & DRAWERS:
            yield f"{module.path}: name it for its subject"


def modules_say_what_they_are_for(tree: SourceTree) -> Iterator[str]:
    """Every module with code in it begins with a paragraph."""
    for module in _sources(tree):
        if module.tree.body and not ast.get_docstring(module.tree):
            yield f"{module.path} has no docstring"


def web_folders_hold_no_python(tree: SourceTree) -> Iterator[str]:
    """Pages are served as they are."""
    for module in tree.modules.values():
        if "web" in Path(module.path).parts[:-1] and module.package != "tests":
            yield f"{module.path}: Python inside web/"


def kit_is_closed(tree: SourceTree) -> Iterator[str]:
    """cdnkit holds exactly the modules that ARCHITECTURE.md lists."""
    text = (tree.root / "ARCHITECTURE.md").read_text()
    listed: set[str] = set()
    for package, names in re.findall(r"^Modules of `([\w.]+)`: (.*?)\.$", text, re.M | re.S):
        listed |= {f"{package}.{name}" for name in re.findall(r"`(\w+)`", names)}
    present = {
        module.name
        for module in _sources(tree)
        if module.package == "cdnkit" and module.stem != "__init__"
    }
    for name in sorted(present - listed):
        yield f"{name} is not listed in ARCHITECTURE.md"
    for name in sorted(listed - present):
        yield f"{name} is listed in ARCHITECTURE.md, but there is no such module"


def every_option_is_in_the_example(tree: SourceTree) -> Iterator[str]:
    """config/topology.example.yaml shows each setting of config/topology.py."""
    example = (tree.root / "config" / "topology.example.yaml").read_text()
    shown = set(re.findall(r"^[ #-]*(\w+):", example, re.M))
    for node in ast.walk(tree.modules["config.topology"].tree):
        for record in [node] if isinstance(node, ast.ClassDef) else []:
            for name in _settings(record):
                if name not in shown:
                    yield f"{record.name}.{name} is not in config/topology.example.yaml"


def _settings(record: ast.ClassDef) -> Iterator[str]:
    for field in record.body:
        match field:
            case ast.AnnAssign(
                target=ast.Name(id=name), value=ast.Call(func=ast.Name(id="setting"))
            ):
                yield name


def endless_work_is_lasting(tree: SourceTree) -> Iterator[str]:
    """What goes on for ever is started by cdnkit.service.lasting: nobody hears how it ends."""
    modules = [module for module in _sources(tree) if module.package in (*TIERS, "cdnkit")]
    here = {
        module.name: {each.name for each in module.functions() if _is_endless(each)}
        for module in modules
    }
    anywhere = set().union(*here.values())
    for module in modules:
        for node in ast.walk(module.tree):
            match node:
                case ast.Call(func=maker, args=[ast.Call(func=made), *_]) if _name_of(maker) in (
                    "create_task",
                    "ensure_future",
                ) and _name_of(made) in (here[module.name] if _is_own(made) else anywhere):
                    yield f"{module.path}:{node.lineno}: {_name_of(made)} may end in silence"


def _is_endless(function: Function) -> bool:
    return any(
        isinstance(loop, ast.While)
        and isinstance(loop.test, ast.Constant)
        and loop.test.value is True
        and not any(isinstance(each, ast.Break | ast.Return) for each in ast.walk(loop))
        for loop in ast.walk(function)
    )


def _is_own(node: ast.expr) -> bool:
    match node:
        case ast.Name() | ast.Attribute(value=ast.Name(id="self")):
            return True
    return False


def _name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def no_workshop_paths(tree: SourceTree) -> Iterator[str]:
    """No file names a folder of the machine it was written on."""
    for path in _text_files(tree.root):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if WORKSHOP_PATH.search(line):
                yield f"{path.relative_to(tree.root)}:{number}: {line.strip()[:80]}"


def _text_files(root: Path) -> Iterator[Path]:
    for top in sorted(root.iterdir()):
        if top.is_dir() and (not top.name.startswith(".") or top.name == ".ci"):
            files = sorted(top.rglob("*"))
        else:
            # In a linked work tree `.git` is a file that says where the repository lies.
            files = [] if top.name == ".git" else [top]
        for path in files:
            if path.is_file() and path.suffix in TEXT_SUFFIXES and "egg-info" not in str(path):
                yield path
