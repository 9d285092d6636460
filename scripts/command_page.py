"""Writes the page of all commands from their parsers: docs/operating/commands.md.

`python -m scripts.command_page` writes it; a test holds it to the parsers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from scripts.cli.main import COMMANDS, parser_of

PAGE: Final = Path(__file__).parents[1] / "docs" / "operating" / "commands.md"

_HEAD: Final = """\
# Commands

Made from the parsers of the commands by `python -m scripts.command_page`; change it there.
`cinedge COMMAND --help` says the same on a terminal.

Completion: `eval "$(cinedge completion bash)"` in `~/.bashrc`;
`cinedge completion zsh > "${fpath[1]}/_cinedge"`;
`cinedge completion fish > ~/.config/fish/completions/cinedge.fish`.

"""


def command_page() -> str:
    """The page as Markdown."""
    index = [f"- [`{name}`](#cinedge-{name}): {summary}" for name, summary in COMMANDS.items()]
    sections = [line for name in COMMANDS for line in _section(parser_of(name), 2)]
    return _HEAD + "\n".join([*index, "", *sections]).rstrip("\n") + "\n"


def actions_of(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a parser takes, but for its help and its sub-commands."""
    left_out = (argparse._HelpAction, argparse._SubParsersAction)
    return [each for each in parser._actions if not isinstance(each, left_out)]


def parsers_below(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Parsers of its sub-commands, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def help_of(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """The sentence of one argument, with its default filled in."""
    values = {**vars(action), "prog": parser.prog}
    return (action.help or "") % values


def _section(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    yield f"{'#' * level} {parser.prog}"
    yield ""
    if parser.description:
        yield " ".join(parser.description.split())
        yield ""
    actions = actions_of(parser)
    if actions:
        yield "| argument | meaning |"
        yield "|---|---|"
        yield from (f"| `{_written(each)}` | {_cell(help_of(parser, each))} |" for each in actions)
        yield ""
    if parser.epilog:
        yield from ("```", parser.epilog, "```", "")
    for below in parsers_below(parser).values():
        yield from _section(below, level + 1)


def _written(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None and not isinstance(action.metavar, str):
        value = "{" + ",".join(map(str, action.choices)) + "}"
    if not action.option_strings:
        return _cell(value)
    names = ", ".join(action.option_strings)
    return _cell(names if action.nargs == 0 else f"{names} {value}")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    """Write the page."""
    PAGE.write_text(command_page())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
