from __future__ import annotations

from pathlib import Path

import pytest

from config.units import parse_size
from edge.cache.policy.named import parse_rule
from scripts.benchmark.restarts import Restart, main, play
from scripts.simulation.trace import read_trace, whole
from tests.scripts.simulation.test_replay import TRACES, films

MINI = TRACES / "movie-mini-a.csv.zst"
POINTS_MAX = 0.005
SNAPSHOT_SECONDS = 60.0


@pytest.mark.parametrize("policy", ["titlelfu", "duel"])
@pytest.mark.parametrize("size", ["640MB", "2560MB"])
def test_a_restart_in_the_middle_of_a_day_of_films_costs_half_a_point_at_most(
    policy: str, size: str
) -> None:
    if not MINI.exists():
        pytest.skip("needs the traces that lie beside this project")
    trace, rule = read_trace(MINI, None), parse_rule(policy, 86_400.0, 3 * 86_400.0)
    plain, restarted = (
        play(trace, rule, parse_size(size), each, SNAPSHOT_SECONDS)
        for each in (Restart.NONE, Restart.REMEMBERS)
    )
    assert restarted.whole == pytest.approx(plain.whole, abs=POINTS_MAX)
    assert restarted.behind == pytest.approx(plain.behind, abs=POINTS_MAX)


def test_what_is_forgotten_costs_more_than_what_is_remembered() -> None:
    trace, rule = whole(films(), Path("t")), parse_rule("titlelfu", 86_400.0, 3 * 86_400.0)
    found = {each: play(trace, rule, 300_000, each, 60.0).behind for each in Restart}
    assert found[Restart.REMEMBERS] == pytest.approx(found[Restart.NONE], abs=POINTS_MAX)
    assert found[Restart.FORGETS] > found[Restart.REMEMBERS] + 0.01


def test_a_line_is_printed_for_each_size_and_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"{now},{key},{size},{offset}\n" for now, key, size, offset in films(500))
    path.write_text("time,key,size,offset\n" + rows)
    monkeypatch.setattr("sys.argv", ["restarts", str(path), "--size", "5kB,20kB"])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines[-4:]] == [
        ["t.csv", size, rule] for size in ("5kB", "20kB") for rule in ("titlelfu", "duel")
    ]
