"""`cinedge completion`: the script by which a shell completes `cinedge`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from argcomplete.shell_integration import shellcode

_DESCRIPTION = """\
Prints a script that lets a shell complete commands, options and their values."""

_EPILOG = """\
examples:
  eval "$(cinedge completion bash)"                         now; put it into ~/.bashrc
  cinedge completion zsh > "${fpath[1]}/_cinedge"           then start zsh anew
  cinedge completion fish > ~/.config/fish/completions/cinedge.fish"""


def add_parser(subparsers: Any) -> None:
    """Adds `completion`."""
    parser = subparsers.add_parser(
        "completion",
        help="print the script by which a shell completes cinedge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")


def run(args: argparse.Namespace) -> int:
    """Prints the script."""
    sys.stdout.write(shellcode(["cinedge"], shell=args.shell) + "\n")
    return 0
