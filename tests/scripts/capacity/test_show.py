"""Claims about tables and JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from scripts.capacity.show import as_json, print_choices, print_curve, print_sites, print_steps
from tests.scripts.capacity.made import SERVER, made, reckoned


def console() -> Console:
    return Console(file=io.StringIO(), width=140)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_chosen_kind_is_marked_among_the_others() -> None:
    one, other = reckoned(made()), replace(reckoned(made()), server="other")
    screen = console()
    print_choices([one, other], other, screen)
    assert "other *" in shown(screen)
    assert "s *" not in shown(screen)


def test_a_site_that_is_short_of_servers_says_so() -> None:
    capacity = reckoned(made())
    screen = console()
    print_sites(capacity, screen)
    assert "short" not in shown(screen)
    lacking = replace(capacity.sites[0], servers=1)
    print_sites(replace(capacity, sites=(lacking,)), screen)
    assert "3 short" in shown(screen)


def test_many_sites_are_cut_and_it_is_said() -> None:
    capacity = reckoned(made())
    screen = console()
    print_sites(replace(capacity, sites=capacity.sites[:1] * 50), screen)
    assert "10 more sites; --json has all." in shown(screen)


def test_steps_are_printed_whole() -> None:
    capacity = reckoned(made())
    screen = console()
    print_steps(capacity, screen)
    assert all(str(step) in shown(screen) for step in capacity.steps)


def test_the_cheapest_point_of_the_curve_is_marked() -> None:
    points = [reckoned(made(), held) for held in (1e9, 1e12)]
    screen = console()
    print_curve(points, screen)
    (line,) = [line for line in shown(screen).splitlines() if "cheapest" in line]
    assert line.startswith("1 GB" if points[0].cost.total < points[1].cost.total else "1 TB")


def test_without_prices_no_cost_is_drawn() -> None:
    free = replace(SERVER, monthly_price=0.0, monthly_price_per_terabyte=0.0)
    screen = console()
    print_curve([reckoned(made(servers=(free,)))], screen)
    assert "No prices were given" in shown(screen)


def test_json_has_choices_steps_and_curve() -> None:
    capacity = reckoned(made())
    told = json.loads(json.dumps(as_json([capacity], capacity, [capacity])))
    assert told["chosen"] == "s"
    assert told["choices"][0]["cost"]["total"] == capacity.cost.total
    assert told["steps"][0]["what"] == "catalogue"
    assert told["curve"][0]["hit_ratio"] == capacity.hit_ratio
    assert "steps" not in told["curve"][0]
