"""Compiles the lane by Cython and the machine's C compiler: optional, and never needed.

What is measured with it, and what speaks for and against it: docs/decisions/0009-compiled-lane.md.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from cdnkit.errors import CinedgeError
from edge.compiled import BUILT, MODULES, SETTING, STAMP, SUFFIX, digest_of, sources_of

_DIRECTIVES: Final = (
    # What is None where something else is expected raises, as it does in Python.
    "nonecheck=True",
    # Annotations are for readers and mypy; what is typed in C stands in the .pxd files.
    "annotation_typing=False",
)
_PYTHON: Final = (sys.executable, "-P")
"""Whoever installs is often root: nothing is imported from the folder they stand in."""
_SAID_MAX: Final = 2000


class CompileError(CinedgeError):
    """The lane could not be compiled; the one that was there is as it was."""


def compile_lane(package: Path) -> None:
    """Compile all modules of the lane, check that they load, and use them from the next start on.

    Raises CompileError.
    """
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()
    _look(package, compiler[0])
    digest = digest_of(package)
    try:
        with tempfile.TemporaryDirectory(prefix="cinedge-", dir=package / "compiled") as aside:
            built = Path(aside) / "built"
            built.mkdir()
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                list(threads.map(partial(_compile, package, built, compiler), MODULES))
            _load(package, built)
            (built / STAMP).write_text(digest)
            if (package / BUILT).exists():
                (package / BUILT).rename(Path(aside) / "former")
            built.rename(package / BUILT)
    except OSError as error:
        raise CompileError(f"{package / BUILT}: {error.strerror or error}") from error


def remove_compiled(package: Path) -> bool:
    """Let the sources be used again; whether there was anything. Raises CompileError."""
    try:
        shutil.rmtree(package / BUILT)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CompileError(f"{package / BUILT}: {error.strerror or error}") from error
    return True


def _look(package: Path, compiler: str) -> None:
    if not os.access(package / "compiled", os.W_OK):
        raise CompileError(f"{package / 'compiled'} is not writable: run it as who installed it")
    if importlib.util.find_spec("Cython") is None:
        raise CompileError("Cython is not installed: pip install 'cinedge[compiled]'")
    if shutil.which(compiler) is None:
        raise CompileError(f"there is no C compiler ({compiler}): install gcc, or set CC")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.exists():
        raise CompileError(f"{header} is missing: install Python's headers (python3-dev)")


def _compile(package: Path, built: Path, compiler: Sequence[str], module: str) -> None:
    code = built / f"{module}.c"
    directives = [part for each in _DIRECTIVES for part in ("-X", each)]
    source = sources_of(package, module)[0]
    cython = [*_PYTHON, "-m", "cython"]
    _run([*cython, "-3", *directives, "-o", str(code), str(source)])
    flags = ["-O2", "-fPIC", "-shared", "-fwrapv", "-DNDEBUG", "-I", sysconfig.get_path("include")]
    _run([*compiler, *flags, str(code), "-o", str(built / f"{module}{SUFFIX}")])
    code.unlink()


def _load(package: Path, built: Path) -> None:
    """Import the lane as an edge will, from where it was made. Raises CompileError."""
    folders = [str(package.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, SETTING: "no", "PYTHONPATH": os.pathsep.join(folders)}
    program = "import sys, edge; edge.__path__.insert(0, sys.argv[1]); import edge.server"
    _run([*_PYTHON, "-c", program, str(built)], environment)


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-_SAID_MAX:]
        raise CompileError(f"{' '.join(command[:4])} failed:\n{said}")
