"""An engine is given files that were read through; those it cannot reach are brought to it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cdnkit.errors import DigestMismatchError, NotFoundError
from origin.batch.destination import Destination, Folder
from origin.batch.inputs import opened_inputs, scheme_of
from origin.batch.manifest import Day, Manifest, Part

CONTENT = {"s/activity/one": b"1", "s/activity/two": b"22", "s/titles/all": b"333"}


def saved(place: Destination) -> Manifest:
    for path, content in CONTENT.items():
        place.put(path, [content])
    one, two, titles = (
        Part(path, 1, len(content), hashlib.sha256(content).hexdigest())
        for path, content in CONTENT.items()
    )
    return Manifest("s", 1, 1.0, (Day("a", 1, 1, (one,)), Day("b", 1, 1, (two,))), (titles,))


@pytest.mark.parametrize("schemes", [frozenset({"", "hdfs"}), frozenset({"other"})])
def test_files_are_the_bytes_of_the_snapshot(
    destination: Destination, schemes: frozenset[str]
) -> None:
    manifest = saved(destination)
    with opened_inputs(destination, manifest, schemes) as inputs:
        urls = [*inputs.activity, *inputs.titles]
        if "other" in schemes:
            assert [Path(url).read_bytes() for url in urls] == [*CONTENT.values()]
        else:
            assert urls == [destination.url(path) for path in CONTENT]
    if "other" in schemes:
        assert not any(Path(url).exists() for url in urls)


@pytest.mark.parametrize("schemes", [frozenset({""}), frozenset({"hdfs"})])
def test_damage_is_found_before_anything_is_read(tmp_path: Path, schemes: frozenset[str]) -> None:
    place = Folder(tmp_path)
    manifest = saved(place)
    place.put("s/activity/two", [b"2"])
    with (
        pytest.raises(DigestMismatchError, match="activity/two"),
        opened_inputs(place, manifest, schemes),
    ):
        pass
    place.remove("s/activity/two")
    with (
        pytest.raises(NotFoundError, match="activity/two"),
        opened_inputs(place, manifest, schemes),
    ):
        pass


def test_schemes_are_told_from_paths() -> None:
    assert scheme_of("/a/b") == scheme_of("a:b") == ""
    assert scheme_of("hdfs://host:1/x") == "hdfs"
