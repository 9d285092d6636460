"""Smaller renditions of a film, cut where the film is cut, so that players may change on the way.

Decodes once, encodes every rung in H.264, pictures only: all rungs share the film's sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.error import FFmpegError
from av.video.frame import PictureType

from origin.packaging.boxes import UnplayableError
from origin.packaging.decode import open_source
from origin.packaging.source import SourceFile

RUNGS: Final = {
    "240p": (240, 300_000),
    "360p": (360, 800_000),
    "480p": (480, 1_400_000),
    "720p": (720, 2_800_000),
    "1080p": (1080, 5_000_000),
}
"""Height of the picture, and bits per second."""

_GOP_NEVER: Final = 1_000_000


def rungs_below(names: Sequence[str], height: int) -> list[str]:
    """The rungs that are smaller than the film, the largest first."""
    return sorted(
        (name for name in names if RUNGS[name][0] < height), key=lambda name: -RUNGS[name][0]
    )


def encode_rungs(
    source: SourceFile,
    container: str,
    targets: dict[str, Path],
    starts: Sequence[Fraction],
    progress: Callable[[float], None],
) -> None:
    """Encode `targets` (rung to file), beginning a segment at each of `starts` (seconds).

    Raises UnplayableError.
    """
    with ExitStack() as opened:
        film = opened.enter_context(open_source(source, container))
        stream = film.streams.video[0]
        stream.thread_type = "AUTO"
        outputs = [
            (name, opened.enter_context(av.open(str(path), "w", format="mp4")))
            for name, path in targets.items()
        ]
        encoders = [(out, _make_encoder(out, name, stream)) for name, out in outputs]
        total = stream.frames or 0
        try:
            for number, (frame, leads) in enumerate(_lead(film.decode(stream), starts)):
                for out, encoder in encoders:
                    still = frame.reformat(encoder.width, encoder.height, "yuv420p")
                    still.pts, still.time_base = frame.pts, frame.time_base
                    still.pict_type = PictureType.I if leads else PictureType.NONE
                    out.mux(encoder.encode(still))
                if total and number % 24 == 0:
                    progress(min(1.0, number / total))
            for out, encoder in encoders:
                out.mux(encoder.encode(None))
        except (FFmpegError, ValueError) as error:
            raise UnplayableError(f"the film cannot be encoded: {error}") from None


def _lead(frames: Iterator[Any], starts: Sequence[Fraction]) -> Iterator[tuple[Any, bool]]:
    """Each frame, and whether a segment begins with it."""
    following = 0
    begin: Fraction | None = None
    for frame in frames:
        moment = frame.pts * frame.time_base
        begin = moment if begin is None else begin
        leads = False
        # Half a tick of leeway: times went through other units on their way here.
        while following < len(starts) and moment - begin >= starts[following] - starts[
            0
        ] - Fraction(1, 2000):
            leads = True
            following += 1
        yield frame, leads


def _make_encoder(out: Any, name: str, stream: Any) -> Any:
    height, bits_per_second = RUNGS[name]
    width = round(stream.width * height / stream.height / 2) * 2
    encoder = out.add_stream("libx264", rate=stream.average_rate or 24)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.bit_rate = bits_per_second
    encoder.time_base = stream.time_base
    encoder.options = {
        "preset": "veryfast",
        "g": str(_GOP_NEVER),
        "keyint_min": str(_GOP_NEVER),
        "sc_threshold": "0",
        "forced-idr": "1",
        "maxrate": str(bits_per_second * 11 // 10),
        "bufsize": str(bits_per_second * 2),
    }
    return encoder
