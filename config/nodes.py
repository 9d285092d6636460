"""YAML text to a tree of nodes with their places, within limits, or complaints.

Only the syntax is judged here: encoding, grammar, one document, depth, and how much aliases expand
to. Nothing is constructed, so no tag can make anything happen.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

from config.complaints import Complaint, TopologyError

TEXT_BYTES_MAX: Final = 8 * 1024 * 1024
DEPTH_MAX: Final = 32
NODES_MAX: Final = 200_000


class _Loader(yaml.SafeLoader):
    """The composing half of PyYAML with a bound on depth: its own composer recurses freely."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            mark: Any = parent.start_mark if parent is not None else None
            message = f"nested deeper than {DEPTH_MAX} levels"
            raise yaml.composer.ComposerError(None, None, message, mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def compose(content: bytes | str, file: str) -> yaml.MappingNode:
    """The root mapping of one YAML document. Raises TopologyError."""
    text = _decode(content, file) if isinstance(content, bytes) else content
    if len(text) > TEXT_BYTES_MAX:
        raise _refuse(file, 0, 0, f"larger than {TEXT_BYTES_MAX} bytes", "is it the right file?")
    root = _compose_text(text, file)
    if root is None or (isinstance(root, yaml.ScalarNode) and root.tag.endswith(":null")):
        raise _refuse(file, 1, 1, "the file is empty", "`cinedge topology example` prints one")
    if not isinstance(root, yaml.MappingNode):
        raise _refuse(
            file,
            *place_of(root),
            "expected settings such as `edges:` at the top of the file",
            "`cinedge topology example` prints one",
        )
    _bound_expansion(root, file)
    return root


def place_of(node: yaml.Node) -> tuple[int, int]:
    """Line and column of a node, from 1."""
    return node.start_mark.line + 1, node.start_mark.column + 1


def _compose_text(text: str, file: str) -> yaml.Node | None:
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except yaml.reader.ReaderError as error:
        line, column = _place_in(text, error.position)
        message = f"character #x{ord(text[error.position]):04x} is not allowed in YAML"
        raise _refuse(file, line, column, message, "remove it") from error
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text, file) from error
    except (ValueError, OverflowError) as error:
        # PyYAML passes an escape such as "\UFFFFFFFF" straight to chr().
        mark = loader.get_mark() if loader is not None else None
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        hint = "escapes go up to \\U0010FFFF"
        raise _refuse(file, line, column, f"not YAML: {error}", hint) from error


def _decode(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place_in(content[: error.start].decode("utf-8"), error.start)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise _refuse(file, line, column, message, "save the file as UTF-8") from error


def _place_in(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> TopologyError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem = error.problem or "not YAML"
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    hint = "look for a bracket, quote or colon that is missing here or just before"
    if "another document" in problem or error.context == "expected a single document in the stream":
        problem, hint = "a second document begins here", "keep one document per file"
    elif "\t" in shown[: len(shown) - len(shown.lstrip())] or "'\\t'" in problem:
        hint = "indent with spaces, not with tabs"
    elif ": [" in shown and "]:" in shown:
        hint = 'put an IPv6 address in quotes: "[::1]:8000"'
    elif "undefined alias" in problem:
        hint = "define it before with &, or put the text in quotes"
    elif "nested deeper" in problem:
        hint = "a topology is never so deep: look for brackets that are not closed"
    elif error.context:
        hint = f"{error.context}: {hint}"
    return _refuse(file, line, column, problem, hint)


def _bound_expansion(root: yaml.Node, file: str) -> None:
    """An alias is one node with many parents; count as if each were written out."""
    waiting: list[yaml.Node] = [root]
    seen = 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > NODES_MAX:
            message = f"more than {NODES_MAX} values, counting what aliases repeat"
            raise _refuse(file, *place_of(node), message, "write them out without aliases")
        if isinstance(node, yaml.MappingNode):
            waiting.extend(part for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)


def _refuse(file: str, line: int, column: int, message: str, hint: str = "") -> TopologyError:
    return TopologyError([Complaint(file, line, column, "", message, hint)])
