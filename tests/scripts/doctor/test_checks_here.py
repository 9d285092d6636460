"""Claims about judgements over one machine: each break draws its finding, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from config.complaints import Complaint
from config.topology import AccessToken, Address, CacheDisk, EdgeNode, EdgeSettings, Topology
from scripts.doctor.checks_here import CHECKS
from scripts.doctor.facts import (
    CertificateFacts,
    DatabaseFacts,
    Facts,
    Folder,
    GeoFile,
    Machine,
    Name,
    Port,
    Server,
)
from scripts.doctor.findings import Finding

GB = 10**9
DAY = 86_400.0
EDGE = EdgeNode("e1", "fra", Address("127.0.0.1", 1), (CacheDisk("/c"),))
FOLDER = Folder(
    node="e1",
    path="/c",
    exists=True,
    nearest="/c",
    is_directory=True,
    writable=True,
    device=1,
    free_bytes=50 * GB,
    total_bytes=100 * GB,
    free_inodes_share=0.5,
    wanted_bytes=40 * GB,
)
CERTIFICATE = CertificateFacts(
    "e1", "/t.pem", "", "e1.example", ("e1.example",), 90 * DAY, "/k.pem", 0o600
)
DATABASE = DatabaseFacts("o1", "sqlite:///c", "", "0003", "0003")
WELL = Facts(
    file="t.yaml",
    topology=Topology(),
    file_mode=0o600,
    secrets_in_file=("access token a",),
    machine=Machine(1_000_000, 4096, ("reno", "cubic"), 1024, "1"),
    here=(EDGE,),
    folders=(FOLDER,),
    ports=(Port("e1", "127.0.0.1:8080", ""),),
    names=(Name("e1.example", "e1", ""),),
    servers=(Server("mail server", "mail:25", "o1", ""),),
    certificates=(CERTIFICATE,),
    databases=(DATABASE,),
    geo_files=(GeoFile("/g.mmdb", "", DAY),),
)


def findings(facts: Facts) -> list[Finding]:
    return [finding for check in CHECKS for finding in check(facts)]


def test_a_machine_that_is_well_draws_nothing() -> None:
    assert findings(WELL) == []


def folder(**said: Any) -> dict[str, Any]:
    return {"folders": (replace(FOLDER, **said),)}


def certificate(**said: Any) -> dict[str, Any]:
    return {"certificates": (replace(CERTIFICATE, **said),)}


def database(**said: Any) -> dict[str, Any]:
    return {"databases": (replace(DATABASE, **said),)}


def tcp(control: str) -> dict[str, Any]:
    return {"here": (replace(EDGE, settings=EdgeSettings(congestion_control=control)),)}


TOKENS = Topology(access_tokens=(AccessToken("a", secret="12345678"),))

BREAKS: list[tuple[str, dict[str, Any], str, bool, str]] = [
    (
        "a broken topology",
        {"complaints": (Complaint("t.yaml", 3, 1, "edges", "bad", "mend it"),)},
        "topology",
        True,
        "bad",
    ),
    ("secrets others read", {"file_mode": 0o644}, "secrets", True, "access token a stand"),
    ("no token", {"topology": TOKENS}, "token", False, "is not set"),
    ("a file in place of a folder", folder(is_directory=False), "folders", True, "no directory"),
    ("a folder of others", folder(writable=False), "folders", True, "cannot be written"),
    ("a full disk", folder(free_bytes=2 * GB), "disks", True, "2 GB of 100 GB are free"),
    (
        "a disk full up to the reserve",
        folder(free_bytes=9 * GB, reserve_bytes=10 * GB, wanted_bytes=0),
        "disks",
        True,
        "9 GB of",
    ),
    (
        "caches larger than the disk",
        folder(wanted_bytes=60 * GB),
        "disks",
        True,
        "may grow to 60 GB, there is room for 50 GB",
    ),
    ("no inodes", folder(free_inodes_share=0.001), "disks", True, "0.1% of its inodes"),
    (
        "two caches on one disk",
        {
            "folders": (
                replace(FOLDER, wanted_bytes=GB),
                replace(FOLDER, path="/d", wanted_bytes=GB),
            )
        },
        "disks",
        False,
        "stand on one file system",
    ),
    (
        "a port that is taken",
        {"ports": (Port("e1", "127.0.0.1:8080", "Address already in use"),)},
        "ports",
        True,
        "nothing could listen there: Address already in use",
    ),
    ("a low port", {"ports": (Port("e1", "0.0.0.0:80", ""),)}, "ports", True, "are for root"),
    (
        "an unknown name",
        {"names": (Name("x.example", "route /", "Name or service not known"),)},
        "names",
        True,
        "has no address",
    ),
    (
        "a mail server that is away",
        {"servers": (Server("mail server", "mail:25", "o1", "Connection refused"),)},
        "servers",
        True,
        "takes no connection from here (o1): Connection refused",
    ),
    (
        "one for names a label above",
        certificate(host="a.b.example", names=("*.example",)),
        "certificates",
        True,
        "is for *.example, players ask for a.b.example",
    ),
    ("no certificate", certificate(error="No such file"), "certificates", True, "No such file"),
    ("an ended certificate", certificate(seconds_left=-1.0), "certificates", True, "has ended"),
    (
        "one that ends this week",
        certificate(seconds_left=3 * DAY + 7_300),
        "certificates",
        True,
        "ends in 74h",
    ),
    (
        "one that ends soon",
        certificate(seconds_left=20 * DAY),
        "certificates",
        False,
        "ends in 480h",
    ),
    (
        "one for another name",
        certificate(names=("*.example.org", "e1")),
        "certificates",
        True,
        "is for *.example.org, e1, players ask for e1.example",
    ),
    ("an open key", certificate(key_mode=0o640), "certificates", True, "mode 640"),
    (
        "few descriptors",
        {"machine": replace(WELL.machine, descriptors_max=20_000)},
        "descriptors",
        False,
        "may open 20,000",
    ),
    (
        "next to no descriptors",
        {"machine": replace(WELL.machine, descriptors_max=1_024)},
        "descriptors",
        True,
        "may open 1,024",
    ),
    (
        "a short queue",
        {"machine": replace(WELL.machine, somaxconn=128)},
        "kernel",
        False,
        "is 128, edges ask for 4096",
    ),
    ("a control it has not", tcp("bbr"), "kernel", True, "no 'bbr', only reno, cubic"),
    ("a database that is away", database(error="refused"), "database", True, "refused"),
    (
        "one of a newer program",
        database(revision="9999", is_known=False),
        "database",
        True,
        "has schema 9999",
    ),
    (
        "one of an older program",
        database(revision="0002"),
        "database",
        False,
        "has schema 0002, this program's is 0003",
    ),
    (
        "a broken geo file",
        {"geo_files": (GeoFile("/g", "not a database"),)},
        "geo",
        True,
        "cannot be used",
    ),
    (
        "an old geo file",
        {"geo_files": (GeoFile("/g", "", 200 * DAY),)},
        "geo",
        False,
        "is 200 days old",
    ),
]


@pytest.mark.parametrize(
    ("said", "check", "grave", "what"),
    [each[1:] for each in BREAKS],
    ids=[each[0].replace(" ", "-") for each in BREAKS],
)
def test_a_break_draws_its_finding_alone(
    said: dict[str, Any], check: str, grave: bool, what: str
) -> None:
    (finding,) = findings(replace(WELL, **said))
    assert (finding.check, finding.grave) == (check, grave)
    assert what in finding.what
    assert finding.subject
    assert finding.why
    assert finding.mend


@pytest.mark.parametrize(
    "said",
    [
        {"file_mode": 0o644, "secrets_in_file": ()},
        {"topology": TOKENS, "has_token": True},
        folder(wanted_bytes=60 * GB, held_bytes=10 * GB),
        certificate(names=("*.example",)),
        certificate(host=""),
        database(revision=None),
        tcp("cubic"),
        {"machine": Machine()},
        {"ports": (Port("e1", "0.0.0.0:443", ""),), "machine": Machine(lowest_free_port=0)},
    ],
    ids=str,
)
def test_what_only_looks_like_a_break_draws_nothing(said: dict[str, Any]) -> None:
    assert findings(replace(WELL, **said)) == []


def test_every_check_is_broken_by_one_of_these() -> None:
    broken = {check for check in CHECKS for each in BREAKS if list(check(replace(WELL, **each[1])))}
    assert broken == set(CHECKS)
