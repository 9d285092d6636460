"""The page of commands is that of the parsers, and the parsers say all that they have to."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from scripts import command_page
from scripts.cli.main import COMMANDS, parser_of
from scripts.command_page import actions_of, help_of, parsers_below


def every(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for below in parsers_below(parser).values():
        yield from every(below)


def test_the_page_is_up_to_date() -> None:
    assert command_page.PAGE.read_text() == command_page.command_page()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_says_what_it_is_for(name: str) -> None:
    mute = [
        f"{parser.prog} {action.option_strings or action.dest}"
        for parser in every(parser_of(name))
        for action in actions_of(parser)
        if not action.help or not help_of(parser, action).strip()
    ]
    assert mute == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_shows_an_example_and_its_exit_codes(name: str) -> None:
    parser = parser_of(name)
    assert parser.description
    assert parser.epilog is not None
    assert "examples:" in parser.epilog
    assert f"cinedge {name}" in parser.epilog
    assert "exit codes:" in parser.epilog


@pytest.mark.parametrize("name", COMMANDS)
def test_what_an_example_says_is_understood(name: str) -> None:
    known = {
        option
        for parser in every(parser_of(name))
        for action in parser._actions
        for option in action.option_strings
    }
    epilog = parser_of(name).epilog or ""
    lines = [line for line in epilog.splitlines() if f"cinedge {name} " in line]
    said = {
        word
        for line in lines
        for word in line.partition(f"cinedge {name} ")[2].partition("|")[0].split()
        if word.startswith("--")
    }
    assert said <= known


def test_the_page_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    page = command_page.PAGE
    monkeypatch.setattr(type(page), "write_text", lambda self, text: written.append(text))
    assert command_page.main() == 0
    assert written == [command_page.command_page()]
