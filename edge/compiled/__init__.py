"""Which form of the lane is used: its sources as they are, or compiled by `edge.compiled.build`.

The compiled modules lie apart from their sources and go before them, so that both forms are there
at once. They are used when they are made of exactly these sources, for exactly this Python; after
an edit or an update the sources are, until somebody compiles them again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

MODULES: Final = (
    "blockfile",
    "connection",
    "entry",
    "fastlane",
    "lanelog",
    "primitives",
    "rounds",
    "targets",
)
SUFFIX: Final = EXTENSION_SUFFIXES[0]
"""Names the Python and the machine that a module was compiled for."""
BUILT: Final = "compiled/built"
STAMP: Final = "stamp"
SETTING: Final = "CINEDGE_COMPILED"
"""In the environment: `no` has the sources used, `yes` refuses to do without the compiled form."""

COMPILED: Final = "compiled"
INTERPRETED: Final = "interpreted"
OUTDATED: Final = "interpreted, because what was compiled is of other sources or another Python"


def choose(package: Path, environment: Mapping[str, str]) -> tuple[str, list[str]]:
    """The form that is used, and the folders in which modules of `package` are sought first.

    Raises ImportError when the environment asks for a compiled form that is not there.
    """
    wanted = environment.get(SETTING, "")
    form = INTERPRETED if wanted == "no" else form_of(package)
    if form == COMPILED:
        return form, [str(package / BUILT)]
    if wanted == "yes":
        raise ImportError(f"{SETTING}=yes, and the lane is {form}: run `cinedge compile`")
    return form, []


def form_of(package: Path) -> str:
    """What there is of a compiled form."""
    try:
        stamp = (package / BUILT / STAMP).read_bytes()
    except OSError:
        return INTERPRETED
    try:
        return COMPILED if stamp == digest_of(package).encode() else OUTDATED
    except OSError:
        # Sources that are not there, or not to be read: nobody knows what was compiled of them.
        return OUTDATED


def sources_of(package: Path, module: str) -> list[Path]:
    """What a module is compiled from, its code first."""
    in_c = package / f"{module}.pyx"
    code = in_c if in_c.exists() else package / f"{module}.py"
    return [code, package / f"{module}.pxd"]


def digest_of(package: Path) -> str:
    """Stands for all sources, and the Python that they are compiled for."""
    digest = hashlib.sha256(SUFFIX.encode())
    for module in MODULES:
        for source in sources_of(package, module):
            digest.update(source.read_bytes())
    return digest.hexdigest()
