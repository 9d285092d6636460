"""Fetches the classes of an HDFS server into a cache folder: `python -m scripts.hadoop.jars`.

No package of PyPI is a Hadoop, but the sources of pyspark 2.4.8 hold the server classes of Hadoop
2.7.3 (Apache-2.0). 30 of its jars are enough for a NameNode and DataNodes; the rest of the 220 MB
is dropped. The protocol is the one that Hadoop 3 speaks.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PACKAGE: Final = "pyspark==2.4.8"
_NEEDED: Final = re.compile(
    r"(hadoop-(common|hdfs|auth|annotations)-2"
    r"|commons-(cli|codec|collections|configuration|io|lang|logging|httpclient|net)-[\d.]+\."
    r"|jcl-over-slf4j|guava|jetty-6|jetty-util-6|protobuf-java|netty-[34]|netty-all|htrace-core"
    r"|slf4j-(api|log4j12)|log4j-1|javax\.servlet-api|javax\.ws\.rs-api|xercesImpl"
    r"|jackson-(core|mapper)-asl|leveldbjni-all)"
)
_COMPLETE: Final = "complete"
"""Written last, so that half a folder is never taken for a whole one."""


def jars_folder(environ: Mapping[str, str]) -> Path:
    """Where the jars are kept: CINEDGE_HADOOP_JARS, or the user's cache folder."""
    if named := environ.get("CINEDGE_HADOOP_JARS"):
        return Path(named)
    cache = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "cinedge", "hadoop-2.7.3")


def find_jars(environ: Mapping[str, str]) -> list[Path]:
    """The jars, or nothing where they were not fetched."""
    folder = jars_folder(environ)
    return sorted(folder.glob("*.jar")) if (folder / _COMPLETE).exists() else []


def is_needed(name: str) -> bool:
    """Whether HDFS needs a jar of this name."""
    return name.endswith(".jar") and _NEEDED.match(name) is not None


def unpack(archive: Path, folder: Path) -> int:
    """Take the jars that are needed out of the sources; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with tarfile.open(archive) as packed:
        for member in packed:
            name = Path(member.name).name
            content = packed.extractfile(member) if is_needed(name) else None
            if content is not None:
                (folder / name).write_bytes(content.read())
                count += 1
    (folder / _COMPLETE).touch()
    return count


def main() -> int:
    """Fetches and unpacks, unless that was done."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    folder = jars_folder(os.environ)
    if not find_jars(os.environ):
        with tempfile.TemporaryDirectory(prefix="cinedge-jars-") as aside:
            # Its setup.py fails on a new pypandoc, which an isolated build would bring in.
            options = ["--no-deps", "--no-build-isolation", "--no-binary", ":all:"]
            command = [sys.executable, "-m", "pip", "download", *options, "-d", aside, PACKAGE]
            done = subprocess.run(command, stdout=sys.stderr, check=False)
            if done.returncode != 0:
                print(f"pip could not fetch {PACKAGE}", file=sys.stderr)
                return 1
            (archive,) = Path(aside).glob("pyspark-*.tar.gz")
            unpack(archive, folder)
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
