"""The operator page grew its charts no more, until it was loaded again, once a clock went back.

A tick that was not later than the newest sample was taken for one that had come with the history
already. After the router's clock was set back by an hour, that was every tick for an hour.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "geo_router" / "web" / "operator"

# Ticks are moments of the router's clock; what the router has of its history ends with the last.
PLAY = """
import { Live } from "./live.js";
const [ticks, failing, stale] = JSON.parse(process.argv[2]);
let now = ticks[0], asked = 0, past;
const ring = (step) => {
  const end = past ?? now;
  return { step_seconds: step, ended_at: end, series: { viewers: [end] } };
};
globalThis.fetch = async () => {
  asked += 1;
  if (asked === failing) throw new Error("no answer");
  past = asked === stale ? ticks[0] : undefined;
  return { ok: true, json: async () => ({ fine: ring(1), coarse: ring(10) }) };
};
const settled = () => new Promise((done) => setTimeout(done, 0));
const live = new Live();
const rest = { edges: {}, figures: {}, figure_names: [], journal: [] };
live.hear("picture", { now, polled: true, ...rest });
await settled();
const grown = [];
for (now of ticks.slice(1)) {
  live.hear("tick", { now, edges: {}, figures: {}, gone: [], sample: { viewers: now } });
  await settled();
  grown.push([live.state.history.fine.ended_at, live.state.history.fine.series.viewers.at(-1)]);
}
console.log(JSON.stringify({ grown, asked }));
"""


def played(
    folder: Path, ticks: list[int], failing: int = 0, stale: int = 0
) -> tuple[list[list[int]], int]:
    """End and newest number of the chart after each tick, and how often the history was read."""
    for name in ("live.js", "api.js"):
        shutil.copy(WEB / name, folder / name)
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "play.js").write_text(PLAY)
    words = ["node", "play.js", json.dumps([ticks, failing, stale])]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    return told["grown"], told["asked"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("ticks", "failing", "asked"),
    [
        ([5000, 5001, 5002, 5003], 0, 1),
        ([5000, 5001, 1401, 1402, 1403], 0, 2),
        ([5000, 5001, 1401, 1402, 1403], 2, 3),
        ([5000, 5003, 5001, 5002], 0, 2),
        ([5000, 1401, 1402], 0, 2),
    ],
    ids=[
        "forward",
        "an hour back",
        "an hour back and no answer at first",
        "seconds back",
        "an hour back with the first tick",
    ],
)
def test_charts_go_on(ticks: list[int], failing: int, asked: int, tmp_path: Path) -> None:
    grown, times = played(tmp_path, ticks, failing)
    assert grown[-1] == [ticks[-1], ticks[-1]]
    assert times == asked


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_tick_that_came_with_the_history_counts_once(tmp_path: Path) -> None:
    grown, times = played(tmp_path, [5000, 5000, 5001])
    assert grown == [[5000, 5000], [5001, 5001]]
    assert times == 1


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_a_history_that_was_told_before_the_clock_went_back_is_asked_for_again(
    tmp_path: Path,
) -> None:
    grown, times = played(tmp_path, [5000, 5001, 1401, 1402, 1403], stale=2)
    assert grown[-1] == [1403, 1403]
    assert times == 3
