"""Make a film to play: moving picture, a running clock and a quiet chord, H.264/AAC in MP4.

Every frame and every sample is generated, so nothing is downloaded and nobody's rights are
touched. The same ffmpeg and the same settings give the same bytes; constant quality is used
instead of a target rate because x264's rate control is not repeatable across threads. A keyframe
every two seconds and the index at the front make each seek one short range request.

    python -m scripts.make_media film.mp4 [--seconds 64] [--size 1280x720]
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cdnkit.errors import BadRequestError, UnavailableError

FRAMES_PER_SECOND = 24
KEYFRAME_SECONDS = 2
QUALITY = 29  # constant rate factor; about 1.5 Mbit/s for 1280x720 of this picture
ENCODER_THREADS = 3  # fixed: the number of threads changes the bytes
PROGRESS_BAR_HEIGHT = 6

# A spiral of slow colours behind a dive into the Mandelbrot set, computed small and scaled up
# once. The clock is cut out of ffmpeg's test card, which draws digits without any font.
PICTURE = """
gradients=s=160x90:r={fps}:d={seconds}:seed=11:n=5:type=spiral:speed=0.012:c0=0x10243f:c1=0x1f6f78
 :c2=0xf2b880:c3=0x7a2e5d:c4=0x0b132b,scale=640:360:flags=bicubic,format=yuv420p[sky];
mandelbrot=s=640x360:r={fps}:start_scale=2.4:end_scale=0.02:end_pts={frames}:maxiter=200
 :start_x=-0.7436438870371587:start_y=-0.13182590420531197,hue=s=0.6,format=yuv420p[dive];
[sky][dive]blend=all_mode=softlight:shortest=1,scale={width}:{height}:flags=bilinear[scene];
testsrc=s=640x360:r={fps}:d={seconds},crop=128:104:448:128,colorkey=black:0.3:0.0,split[a][b];
[a]crop=64:104:0:0[tens];
[b]crop=64:104:64:0[units];
color=c=white:s={width}x{bar}:r={fps}:d={seconds}[progress];
[scene][tens]overlay=x=W-160:y=H-140:enable='gte(t,10)'[scene_tens];
[scene_tens][units]overlay=x=W-96:y=H-140[timed];
[timed][progress]overlay=x='W*(t/{seconds}-1)':y=H-h:shortest=1,format=yuv420p[picture]
"""

# An A major chord that breathes every four seconds, the two ears slightly apart.
SOUND = """
aevalsrc=s=48000:d={seconds}:exprs=
 '0.1*(sin(2*PI*220*t)+sin(2*PI*277.18*t)+0.8*sin(2*PI*329.63*t)+0.6*sin(2*PI*110*t))
 *(0.75+0.25*sin(PI*t/2))
 |0.1*(sin(2*PI*220.3*t)+sin(2*PI*277.5*t)+0.8*sin(2*PI*330*t)+0.6*sin(2*PI*110*t))
 *(0.75+0.25*sin(PI*t/2+1))',
afade=t=in:d={fade},afade=t=out:st={fade_start}:d={fade}[sound]
"""


@dataclass(frozen=True, slots=True)
class Film:
    """What to make."""

    seconds: int = 64
    width: int = 1280
    height: int = 720


def find_ffmpeg() -> str:
    """The ffmpeg to encode with: the packaged one, else the one on PATH.

    Raises UnavailableError when there is neither.
    """
    try:
        path: str = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
        if found is None:
            raise UnavailableError(
                "no ffmpeg to make a film with; install imageio-ffmpeg or put ffmpeg on PATH"
            ) from None
        return found
    return path


def filter_graph(film: Film) -> str:
    """The generators of picture and sound as one ffmpeg filter graph."""
    fade = min(2.0, film.seconds / 4)
    text = (PICTURE.strip() + ";" + SOUND.strip()).format(
        fps=FRAMES_PER_SECOND,
        seconds=film.seconds,
        frames=film.seconds * FRAMES_PER_SECOND,
        width=film.width,
        height=film.height,
        bar=PROGRESS_BAR_HEIGHT,
        fade=fade,
        fade_start=film.seconds - fade,
    )
    return "".join(line.strip() for line in text.splitlines())


def encode_command(ffmpeg: str, film: Film, target: Path) -> list[str]:
    """The call that writes the film to `target`."""
    keyframe_frames = str(FRAMES_PER_SECOND * KEYFRAME_SECONDS)
    return [
        *(ffmpeg, "-y", "-hide_banner", "-nostdin", "-loglevel", "error"),
        *("-filter_complex", filter_graph(film), "-map", "[picture]", "-map", "[sound]"),
        *("-c:v", "libx264", "-preset", "superfast", "-profile:v", "high", "-crf", str(QUALITY)),
        *("-g", keyframe_frames, "-keyint_min", keyframe_frames, "-sc_threshold", "0"),
        *("-threads", str(ENCODER_THREADS), "-c:a", "aac", "-b:a", "128k"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"),
        *("-map_metadata", "-1", "-movflags", "+faststart", "-t", str(film.seconds)),
        *("-f", "mp4", str(target)),
    ]


def make_film(path: Path, film: Film | None = None) -> None:
    """Encode a film to `path`, written aside and renamed: a half-made film never has that name.

    Raises UnavailableError without ffmpeg or when it fails.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.part")
    try:
        call = subprocess.run(
            encode_command(find_ffmpeg(), film or Film(), aside),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if call.returncode != 0:
            last = call.stderr.strip().splitlines()[-1:] or ["no message"]
            raise UnavailableError(f"ffmpeg could not make {path}: {last[0]}")
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def parse_film(seconds: int, size: str) -> Film:
    """A film from its options. Raises BadRequestError for what no encoder takes."""
    width, cross, height = size.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and size.isascii()):
        raise BadRequestError(f"size is WIDTHxHEIGHT, for example 1280x720, not {size!r}")
    film = Film(seconds, int(width), int(height))
    if film.width % 2 or film.height % 2 or film.width < 320 or film.height < 180:
        raise BadRequestError("width and height are even numbers, at least 320x180")
    if film.seconds < 1:
        raise BadRequestError("a film lasts at least one second")
    return film


def main() -> int:
    """Make a film from the command line."""
    parser = argparse.ArgumentParser(description="Make a small film from generated frames.")
    parser.add_argument("path", type=Path, help="file to write, for example film.mp4")
    parser.add_argument("--seconds", type=int, default=64, help="length (default %(default)s)")
    parser.add_argument("--size", default="1280x720", help="WIDTHxHEIGHT (default %(default)s)")
    args = parser.parse_args()
    try:
        make_film(args.path, parse_film(args.seconds, args.size))
    except (BadRequestError, UnavailableError) as error:
        print(f"make_media: {error.detail}", file=sys.stderr)
        return 1
    print(f"{args.path}: {args.path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
