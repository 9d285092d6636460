"""Headers that are written are read back, by our reader and by another."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from origin.packaging.boxes import iterate_boxes
from origin.packaging.cuts import Timeline
from origin.packaging.fragments import Defaults, FragmentReader, Reference, read_index
from origin.packaging.samples import Samples
from origin.packaging.writing import make_fragment, make_fragment_header, make_index
from tests.origin.packaging.conftest import Films, movie_of
from tests.origin.packaging.test_cuts import make_track
from tests.origin.packaging.worlds import pack

REFERENCES = st.builds(
    Reference, st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1), st.booleans()
)


@given(st.lists(REFERENCES, max_size=20), st.integers(0, 2**60), st.integers(0, 2**40))
def test_index_is_read_back(references: list[Reference], earliest: int, offset: int) -> None:
    track = make_track([1], [True])
    data = make_index(track, earliest, references, offset)
    index = read_index(data, next(iterate_boxes(data, 0, len(data))))
    assert index.references == tuple(references)
    assert (index.earliest_ticks, index.first_offset) == (earliest, offset)
    assert (index.track_id, index.timescale) == (1, 10)


SAMPLES = st.lists(
    st.tuples(st.integers(1, 99), st.booleans(), st.integers(-50, 50)), min_size=2, max_size=30
)


@given(SAMPLES, st.integers(0, 2**40), st.data())
def test_fragment_is_read_back(
    rows: list[tuple[int, bool, int]], start: int, data: st.DataObject
) -> None:
    track = make_track([row[0] for row in rows], [row[1] for row in rows])
    track.samples.shifts[:] = type(track.samples.shifts)("q", [row[2] for row in rows])
    line = Timeline(track, 0, 0, rows[0][2], 0)
    middle = data.draw(st.integers(1, len(rows) - 1))
    runs = [(8, (0, middle)), (100, (middle, len(rows)))]
    moof = make_fragment(line, 1, start, runs)
    found = Samples()
    FragmentReader({1: found}, {1: Defaults(0, 0, 0)}, 1 << 50).add(moof, 1000)
    base = 1000 + len(moof)
    places = [base + 8 + n for n in range(middle)]
    places += [base + 100 + n for n in range(len(rows) - middle)]
    assert list(found.offsets) == places
    assert list(found.durations) == [row[0] for row in rows]
    assert [bool(sync) for sync in found.syncs] == [row[1] for row in rows]
    assert list(found.shifts) == [row[2] - rows[0][2] for row in rows]
    assert found.first_ticks == start


def test_header_of_fragments_declares_the_track_without_samples(films: Films) -> None:
    video = pack(films.data("plain.mp4")).video
    data = make_fragment_header(video)
    assert movie_of(data).tracks == ()
    assert video.track.description in data
    assert struct.pack(">4s", b"mvex") in data
