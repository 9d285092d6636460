"""The project's Python sources as parsed modules: what each defines, how long, importing whom.

It reads and resolves; what is allowed is said in `tests.helpers.tidy_rules`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("cdnkit", "config", "origin", "edge", "geo_router", "scripts", "tests")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a module imports, resolved to a module of ours where it is one."""

    target: str
    line: int
    relative: bool
    at_load: bool
    """Whether it happens when the module loads: not in a function, not for type checkers."""


@dataclass(frozen=True, slots=True)
class Module:
    """One source file."""

    name: str
    path: str
    lines: tuple[str, ...]
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def stem(self) -> str:
        """File name without suffix."""
        return Path(self.path).stem

    @property
    def package(self) -> str:
        """Top-level package."""
        return self.name.partition(".")[0]

    def functions(self) -> Iterator[Function]:
        """Every function, methods and inner ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


@dataclass(frozen=True, slots=True)
class SourceTree:
    """All sources below a root."""

    root: Path
    modules: dict[str, Module]

    def own_imports(self, module: Module, *, at_load: bool = False) -> set[str]:
        """Modules of ours that `module` imports."""
        return {
            each.target
            for each in module.imports
            if each.target in self.modules
            and each.target != module.name
            and (each.at_load or not at_load)
        }


def read_tree(root: Path) -> SourceTree:
    """Parse everything in our packages below `root`."""
    paths = sorted(path for name in PACKAGES for path in (root / name).rglob("*.py"))
    names = {_module_name(path.relative_to(root)): path for path in paths}
    modules = {name: _read(name, path, root, names.keys()) for name, path in names.items()}
    return SourceTree(root, modules)


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _read(name: str, path: Path, root: Path, known: Set[str]) -> Module:
    text = path.read_text()
    tree = ast.parse(text, str(path))
    imports = tuple(_imports(tree, known, at_load=True))
    return Module(name, str(path.relative_to(root)), tuple(text.splitlines()), tree, imports)


def _imports(node: ast.AST, known: Set[str], *, at_load: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, False, at_load)
        elif isinstance(child, ast.ImportFrom):
            yield from _from_imports(child, known, at_load)
        else:
            later = isinstance(child, Function) or _is_for_type_checkers(child)
            yield from _imports(child, known, at_load=at_load and not later)


def _from_imports(node: ast.ImportFrom, known: Set[str], at_load: bool) -> Iterator[Import]:
    base = node.module or ""
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        target = inner if inner in known else base
        yield Import(target, node.lineno, node.level > 0, at_load)


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
