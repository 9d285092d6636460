"""Searches are measured while titles are saved."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from scripts.benchmark.search import percentile, run, typed


def test_queries_are_typed_letter_by_letter() -> None:
    assert sorted(typed(["ab", "c"])) == ["a", "ab", "c"]


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(100)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (50.0, 99.0)
    assert percentile([1.0], 0.99) == 1.0


async def test_both_ways_find_while_titles_are_saved(tmp_path: Path) -> None:
    file = tmp_path / "films.jsonl"
    file.write_text("\n".join(json.dumps({"title": f"Film {n}"}) for n in range(50)))
    args = argparse.Namespace(file=file, titles=40, seconds=0.2, rounds=1)
    figures = await run(tmp_path, args)
    assert len(figures) == 2
    assert all(each.searches and each.p50_ms <= each.p99_ms for each in figures)
