"""What is served is compared byte by byte before anything is measured."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.benchmark.content import Content
from scripts.benchmark.loadgen import Load, LoadGenerator
from scripts.benchmark.measures import MEASURES
from scripts.benchmark.plan import SMOKE, Plan
from scripts.benchmark.stage import Builder, upload
from scripts.cli.errors import FailedError
from tests.scripts.benchmark.conftest import Behaviour, SmokeRun


def test_every_collection_was_compared_before_it_was_measured(smoke: SmokeRun) -> None:
    assert "edge: films, segments, small cached and compared" in smoke.complaints
    assert "origin: films cached and compared" in smoke.complaints


def test_only_what_the_measures_need_is_started(load_program: Path, tmp_path: Path) -> None:
    plan = Plan(measures=(MEASURES["R2"],), scale=SMOKE.scale)
    with ExitStack() as stack:
        stage = Builder(plan, tmp_path, stack, print).build()
        assert (stage.origins, stage.edges, stage.routers, stage.far) == ([], [], [], None)


def test_an_upload_that_is_refused_stops_the_benchmark(
    little_server: Behaviour, tmp_path: Path
) -> None:
    file = tmp_path / "film"
    file.write_bytes(b"film")
    with pytest.raises(FailedError, match="501"):
        upload(little_server.port, "/v1/content/a", file)


def test_wrong_bytes_are_found(
    load: LoadGenerator, little_server: Behaviour, tmp_path: Path
) -> None:
    content = Content(tmp_path / "www", tmp_path / "lists", SMOKE.scale)
    content.make_files()
    little_server.body = content.file_of(content.collections["small"][0]).read_bytes()
    walk = Load(content.list_of("small"), requests=1, walk=True, compare=content.root)
    assert load.run(little_server.port, walk).errors == 0
    little_server.body = little_server.body[:-1] + b"?"
    assert "wrong bytes" in load.run(little_server.port, walk).first_error
