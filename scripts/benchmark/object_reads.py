"""Ranged reads of an origin over SeaweedFS, beside the S3 endpoint that it reads from itself.

    python -m scripts.benchmark.object_reads --rounds 5

The cluster (three volume servers, two copies), the origin and the client share the machine; nothing
is pinned. Both are asked for random aligned ranges of the same extents, in turns. Where the cores
are the limit, CPU time says what rates say, and moves less when something else runs: it is that of
cluster, origin and client together.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import obstore
import yaml

from origin.store.objects import open_bucket
from scripts.benchmark import procfs
from scripts.benchmark.content import PREFIX
from scripts.benchmark.figures import Run, Runs, median_of, ratio_of
from scripts.benchmark.launch import HOST, Launcher, Server, free_port, wait_until_it_answers
from scripts.benchmark.loadgen import Load, LoadGenerator, build
from scripts.benchmark.measures import MIB, Figure
from scripts.benchmark.stage import CINEDGE, OURS, upload
from scripts.cli.errors import FailedError
from scripts.seaweedfs import SECRET, SeaweedFS, running_cluster

DIRECT: Final = "direct"
RANGES_MIB: Final = (1, 4)
CONNECTIONS: Final = 8
_KEY: Final = "films/a.mp4"
_RATE: Final = Figure("mib_per_second", "MiB/s", 0, lower_is_better=False)
_CPU: Final = Figure("all_cpu_ms", "CPU ms/MiB", 2)


def measure(
    cluster: SeaweedFS, work: Path, stack: ExitStack, film_mib: int, rounds: int, seconds: float
) -> dict[int, Runs]:
    """The runs of either, by the size of a range. Raises FailedError."""
    launcher = stack.enter_context(Launcher(work / "output", None))
    origin = start_origin(cluster, work, launcher)
    film = work / "film"
    chance = random.Random(1)
    with film.open("wb") as file:
        for _ in range(film_mib):
            file.write(chance.randbytes(MIB))
    upload(origin.port, PREFIX + _KEY, film)
    ours, theirs = work / "ours", work / "theirs"
    ours.write_text(f"{PREFIX}{_KEY} {film_mib * MIB}\n")
    theirs.write_text("".join(f"{path} {size}\n" for path, size in extents(cluster)))
    load = LoadGenerator(build(work), None)
    s3 = int(cluster.endpoint.rpartition(":")[2])
    sides = {OURS: (origin.port, ours), DIRECT: (s3, theirs)}
    runs: dict[int, Runs] = {size: {OURS: [], DIRECT: []} for size in RANGES_MIB}
    for number in range(rounds):
        for size_mib in RANGES_MIB:
            names = list(sides) if number % 2 == 0 else list(sides)[::-1]
            for name in names:
                port, objects = sides[name]
                wanted = Load(
                    objects,
                    connections=CONNECTIONS,
                    seconds=seconds,
                    range_bytes=size_mib * MIB,
                    align_bytes=size_mib * MIB,
                    status=206,
                    seed=number + 1,
                )
                runs[size_mib][name].append(ask(load, port, wanted, (origin.pids, cluster.pids)))
    return runs


def ask(
    load: LoadGenerator,
    port: int,
    wanted: Load,
    who: tuple[Callable[[], list[int]], Callable[[], list[int]]],
) -> Run:
    """One run; CPU time is that of the origin, and of all, per MiB. Raises FailedError."""
    families = [pids() for pids in who]
    before = [procfs.cpu_seconds(pids) for pids in families]
    answers = load.run(port, wanted)
    origin, cluster = (
        procfs.cpu_seconds(pids) - cpu for pids, cpu in zip(families, before, strict=True)
    )
    if answers.errors:
        raise FailedError(f"port {port}: {answers.first_error}")
    size_mib = answers.bytes / MIB
    return {
        "mib_per_second": size_mib / answers.seconds,
        "origin_cpu_ms": origin * 1000 / size_mib,
        "all_cpu_ms": (origin + cluster + answers.client_cpu_seconds) * 1000 / size_mib,
    }


def start_origin(cluster: SeaweedFS, work: Path, launcher: Launcher) -> Server:
    """An origin over the bucket that answers. Raises FailedError."""
    settings, port = cluster.settings(), free_port()
    topology = work / "topology.yaml"
    described = {
        "name": "origin",
        "listen": f"{HOST}:{port}",
        "data": str(work / "origin"),
        "access_log": str(work / "access.log"),
        "object_store": {
            "endpoint": settings.endpoint,
            "bucket": settings.bucket,
            "prefix": settings.prefix,
            "access_key_id": settings.access_key_id,
            "secret_env": "OBJECT_STORE_KEY",
        },
    }
    topology.write_text(yaml.safe_dump({"version": 1, "origins": [described]}))
    words: list[str | Path] = [CINEDGE, "origin", "--topology", topology, "--name", "origin"]
    origin = launcher.start(OURS, words, port, env={"OBJECT_STORE_KEY": SECRET})
    wait_until_it_answers(origin, "/readyz")
    return origin


def extents(cluster: SeaweedFS) -> list[tuple[str, int]]:
    """Path and size of everything large in the bucket."""
    settings = cluster.settings()
    listed = [each for batch in obstore.list(open_bucket(settings)) for each in batch]
    folder = f"/{settings.bucket}/{settings.prefix}/"
    return [(folder + each["path"], each["size"]) for each in listed if each["size"] >= MIB]


def table(runs: dict[int, Runs]) -> str:
    """What is printed: rates, and below them CPU time, for each size of range."""
    lines = []
    for size_mib, found in runs.items():
        lines += [
            f"{size_mib} MiB: {_both(found, _RATE, 0)} MiB/s, times direct"
            f" {ratio_of(found, OURS, DIRECT, _RATE)}",
            f"       CPU {_both(found, _CPU, 2)} ms/MiB, times direct"
            f" {ratio_of(found, OURS, DIRECT, _CPU)}, of it the origin's"
            f" {median_of(found[OURS], 'origin_cpu_ms') or 0.0:.2f}",
        ]
    return "\n".join(lines)


def _both(runs: Runs, figure: Figure, digits: int) -> str:
    ours, theirs = (median_of(runs[name], figure.name) or 0.0 for name in (OURS, DIRECT))
    return f"{ours:.{digits}f}, direct {theirs:.{digits}f}"


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--film-mib", type=int, default=256)
    wanted = parser.parse_args(words)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="object-reads-")))
        cluster = stack.enter_context(running_cluster())
        before = os.getloadavg()[0]
        runs = measure(cluster, work, stack, wanted.film_mib, wanted.rounds, wanted.seconds)
    print(table(runs))
    print(f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
