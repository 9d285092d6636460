"""The index survives whatever happens to it, and says up to where it is right."""

from __future__ import annotations

import dataclasses
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from origin.catalog.films import Film
from origin.domains.search import index as index_module
from origin.domains.search.asking import Filters
from origin.domains.search.index import NOTHING, FilmIndex, IndexBrokenError, open_index
from origin.domains.search.rules import read_query
from tests.origin.domains.search.conftest import FILMS, unexpected

_WRITER = """
import sys
from pathlib import Path
from origin.catalog.films import Film
from origin.domains.search.index import open_index

index = open_index(Path(sys.argv[1]), print)
for place in range(int(sys.argv[2]), 1_000_000):
    films = {f"f{n}": Film(f"f{n}", f"number {place}") for n in range(200)}
    index.apply(films, place, is_all=False)
    print(place, flush=True)
"""


def ids(index: FilmIndex, query: str = "") -> set[str]:
    found = index.find(read_query(query), Filters(), 300, with_facets=True)
    return {film_id for film_id, _ in found.hits}


def test_changes_replace_and_remove(index: FilmIndex) -> None:
    assert (len(index), index.place) == (8, 8)
    index.apply({"leon": Film("leon", "Nikita"), "mash": None, "none": None}, 9, is_all=False)
    assert (len(index), index.place) == (7, 9)
    assert ids(index, "nikita") == {"leon"}
    assert ids(index, "professional") == set()
    index.apply({"a": Film("a", "Alone")}, 10, is_all=True)
    assert ids(index) == {"a"}


def test_facets_count_what_was_found(index: FilmIndex) -> None:
    found = index.find(read_query("star "), Filters(), 2, with_facets=True)
    assert (found.total, len(found.hits)) == (3, 2)
    assert found.facets == {
        "genres": (("Animation", 1), ("Science Fiction", 1)),
        "languages": (("en", 1),),
        "decades": (("1970", 1), ("2000", 2)),
    }
    assert index.find(read_query("zzzzzz"), Filters(), 2, with_facets=True).facets == {
        "genres": (),
        "languages": (),
        "decades": (),
    }


def test_versions_tell_films_and_their_states_apart(index: FilmIndex) -> None:
    before = index.versions()
    assert len(before) == len(FILMS)
    index.apply({"leon": dataclasses.replace(FILMS["leon"], etag='"2"')}, 9, is_all=False)
    assert len(index.versions() & before) == len(FILMS) - 1


def test_opened_again_it_knows_its_place(index: FilmIndex, tmp_path: Path) -> None:
    index.close()
    again = open_index(tmp_path / "search", unexpected)
    assert (len(again), again.place) == (8, 8)
    again.close()


def test_index_of_another_version_is_begun_anew(
    index: FilmIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.close()
    monkeypatch.setattr(index_module, "SCHEMA_VERSION", 999)
    again = open_index(tmp_path / "search", unexpected)
    assert again.place == NOTHING
    again.close()


@pytest.mark.parametrize("how", ["emptied", "overwritten", "gone", "without its list"])
def test_spoilt_files_make_room_for_a_new_index(index: FilmIndex, tmp_path: Path, how: str) -> None:
    index.close()
    folder = tmp_path / "search"
    if how in ("emptied", "overwritten"):
        for file in folder.iterdir():
            if file.is_file() and not file.name.startswith("."):
                file.write_bytes(b"" if how == "emptied" else b"\xff" * file.stat().st_size)
    elif how == "without its list":
        (folder / "meta.json").unlink()
    else:
        shutil.rmtree(folder)
    said: list[str] = []
    again = open_index(folder, said.append)
    assert again.place == NOTHING
    again.apply(FILMS, 8, is_all=True)
    assert ids(again, "leon") == {"leon"}
    again.close()


@pytest.mark.parametrize("suffix", [".term", ".idx", ".fast", ".store", ".pos"])
def test_damage_found_late_is_told_as_such(index: FilmIndex, tmp_path: Path, suffix: str) -> None:
    index.close()
    for file in (tmp_path / "search").glob(f"*{suffix}"):
        body = bytearray(file.read_bytes())
        body[: len(body) // 2] = bytes(len(body) // 2)
        file.write_bytes(body)
    again = open_index(tmp_path / "search", lambda _: None)
    try:
        for query in ("star wars", "leon", "stra", ""):
            ids(again, query)
    except IndexBrokenError:
        return
    finally:
        again.close()


def test_killed_while_committing_it_is_whole_up_to_its_place(tmp_path: Path) -> None:
    place = 1
    for _ in range(2):
        command = [sys.executable, "-c", _WRITER, str(tmp_path / "search"), str(place)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(2):
                place = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
        index = open_index(tmp_path / "search", unexpected)
        assert index.place >= place, "what was committed stays"
        assert (len(index), len(ids(index, f"number {index.place} "))) == (200, 200)
        place = index.place + 1
        index.close()
