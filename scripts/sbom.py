"""What an installation is made of, as a CycloneDX document, and under which licences.

    python -m scripts.sbom > cinedge.cdx.json
    python -m scripts.sbom --licences

Names, versions and digests are those of requirements.lock; licences are what the installed
packages say of themselves. The same lock gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
LOCK: Final = ROOT / "requirements.lock"
UNKNOWN: Final = "unknown"
"""What a package that is not installed here, or says nothing, is licensed under."""

_PINNED: Final = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*(.*?))?\s*\\?\Z")
_DIGEST: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})\s*\\?\Z")
_CLASSIFIER: Final = "License :: OSI Approved :: "
_LICENCE_CHARACTERS_MAX: Final = 80
"""Some packages have the whole text where a name belongs."""


class LockError(Exception):
    """The lock has a line that is neither a pinned package nor its digest."""


@dataclass(frozen=True, slots=True)
class Package:
    """One line of a lock; `marker` says on which systems it is wanted, empty for all."""

    name: str
    version: str
    marker: str
    digests: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its name for programs that compare it with lists of known faults."""
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', self.name).lower()}@{self.version}"


def read_lock(text: str) -> list[Package]:
    """The packages of a lock, in its order. Raises LockError."""
    packages: list[Package] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not (line := line.strip()) or line.startswith("#"):
            continue
        digest, pinned = _DIGEST.match(line), _PINNED.match(line)
        if digest is not None and packages:
            last = packages.pop()
            digests = (*last.digests, digest[1])
            packages.append(Package(last.name, last.version, last.marker, digests))
        elif pinned is not None:
            packages.append(Package(pinned[1], pinned[2], pinned[3] or "", ()))
        else:
            raise LockError(f"line {number} is no pinned package: {line[:80]}")
    loose = [each.name for each in packages if not each.digests]
    if loose:
        raise LockError(f"without a digest: {', '.join(loose)}")
    return packages


def licence_of(facts: Mapping[str, Any], classifiers: Sequence[str]) -> str:
    """What a package's metadata says: an SPDX expression if it can (PEP 639)."""
    if expression := facts.get("License-Expression"):
        return str(expression)
    named = [each.removeprefix(_CLASSIFIER) for each in classifiers if each.startswith(_CLASSIFIER)]
    if named:
        return " AND ".join(sorted(named))
    text = str(facts.get("License") or "").strip()
    return text if 0 < len(text) <= _LICENCE_CHARACTERS_MAX and "\n" not in text else UNKNOWN


def installed_licence(name: str) -> str:
    """The licence of a package of this environment."""
    try:
        facts = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
    fields = {each: facts[each] for each in ("License-Expression", "License") if each in facts}
    return licence_of(fields, facts.get_all("Classifier") or ())


def describe(
    packages: Sequence[Package], licences: Mapping[str, str], version: str, lock_digest: str
) -> dict[str, Any]:
    """A CycloneDX 1.6 document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, lock_digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"cinedge@{version}",
                "name": "cinedge",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [_component(each, licences.get(each.name, UNKNOWN)) for each in packages],
        "dependencies": [
            {"ref": f"cinedge@{version}", "dependsOn": [each.purl for each in packages]}
        ],
    }


def _component(package: Package, licence: str) -> dict[str, Any]:
    digests = [{"alg": "SHA-256", "content": digest} for digest in package.digests]
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "externalReferences": [
            {
                "type": "distribution",
                "url": f"https://pypi.org/project/{package.name}/{package.version}/",
                "hashes": digests,
            }
        ],
    }
    if licence != UNKNOWN:
        component["licenses"] = [{"license": {"name": licence}}]
    if package.marker:
        component["properties"] = [{"name": "cinedge:marker", "value": package.marker}]
    return component


def licence_lines(packages: Sequence[Package], licences: Mapping[str, str]) -> Iterator[str]:
    """A table of packages and licences."""
    width = max(len(f"{each.name} {each.version}") for each in packages)
    for each in packages:
        yield f"{f'{each.name} {each.version}':<{width}}  {licences[each.name]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the document, or the licences."""
    parser = argparse.ArgumentParser(prog="python -m scripts.sbom", description=__doc__)
    parser.add_argument("--licences", action="store_true", help="a table instead of the document")
    args = parser.parse_args(arguments)
    text = LOCK.read_text(encoding="utf-8")
    packages = read_lock(text)
    licences = {each.name: installed_licence(each.name) for each in packages}
    if args.licences:
        print(*licence_lines(packages, licences), sep="\n")
        return 0
    digest = hashlib.sha256(text.encode()).hexdigest()
    document = describe(packages, licences, metadata.version("cinedge"), digest)
    print(json.dumps(document, indent=2, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
