"""Claims about reading topologies: what is refused, where, and with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.changes import changes_between
from config.dump import dump_topology
from config.load import TopologyError, apply_defaults, load_topology, parse_topology
from config.topology import Address, EdgeNode, EdgeSettings, Topology
from tests.helpers.vectors import case_id, load_vectors

_ENVIRON = {"KEY": "a-key-of-sixteen-characters"}
_EDGE = """\
sites:
  - {name: fra, latitude: 50.1, longitude: 8.7}
edges:
  - {name: e1, site: fra, listen: "127.0.0.1:9001", disks: [{path: cache}], SETTINGS}
routes: [{upstream: ["http://127.0.0.1:8000"]}]
"""


def refusal(content: str | bytes, environ: dict[str, str] | None = None) -> TopologyError:
    with pytest.raises(TopologyError) as caught:
        parse_topology(content, environ if environ is not None else _ENVIRON)
    return caught.value


@pytest.mark.parametrize("case", load_vectors("topology_errors"), ids=case_id)
def test_broken_topology_draws_exactly_the_complaints_of_its_vector(case: dict[str, Any]) -> None:
    error = refusal(case["text"])
    shown = str(error)
    assert len(error.complaints) == len(case["complaints"]), shown
    for complaint, wanted in zip(error.complaints, case["complaints"], strict=True):
        assert complaint.path == wanted["path"], shown
        assert wanted["line"] in (complaint.line, None), shown
        assert wanted["message"] in complaint.message, shown
        assert wanted.get("hint", "") in complaint.hint, shown
        assert complaint.line >= 1
        assert complaint.column >= 1


def test_a_complaint_is_one_line_with_file_line_column_and_hint() -> None:
    error = refusal(_EDGE.replace("SETTINGS", "weigth: 1"))
    assert str(error) == (
        "topology.yaml:4:77: edges[0].weigth: unknown setting; did you mean 'weight'?"
    )


def test_a_missing_file_names_its_nearest_neighbour(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: a\n")
    with pytest.raises(TopologyError, match=r"cannot be read.*did you mean .*topology\.yaml"):
        load_topology(tmp_path / "topologie.yaml", {})
    with pytest.raises(TopologyError, match="cannot be read: Is a directory"):
        load_topology(tmp_path, {})


def test_bytes_outside_utf8_are_placed() -> None:
    (complaint,) = refusal(b"name: a\nversion: \xff\n").complaints
    assert (complaint.line, complaint.column) == (2, 10)
    assert "0xff" in complaint.message


def test_relative_paths_start_from_the_directory_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(_EDGE.replace("SETTINGS", "settings: {access_log: '-'}"))
    edge = load_topology(file, {}).edges[0]
    assert edge.disks[0].path == str(tmp_path / "cache")
    assert edge.settings.access_log == "-"


def test_edge_inherits_what_its_settings_leave_out() -> None:
    text = _EDGE.replace("SETTINGS", "settings: {read_ahead_blocks: 9}")
    text += "edge_settings: {block_bytes: 2MiB, read_ahead_blocks: 1}\n"
    topology = parse_topology(text, {})
    wanted = EdgeSettings(block_bytes=2 << 20, read_ahead_blocks=9)
    assert topology.edges[0].settings == wanted
    assert parse_topology(dump_topology(topology), {}) == topology


def test_edge_without_settings_inherits_all_of_them() -> None:
    text = _EDGE.replace(", SETTINGS", "") + "edge_settings: {block_bytes: 2MiB}\n"
    topology = parse_topology(text, {})
    assert topology.edges[0].settings == topology.edge_settings


def test_url_left_out_is_made_from_the_address() -> None:
    node = EdgeNode("e", "s", Address("::1", 80), ())
    assert apply_defaults(Topology(edges=(node,))).edges[0].url == "http://[::1]:80"


def test_secret_comes_from_the_environment_that_is_passed_in() -> None:
    text = "token_keys: [{id: k, secret_env: KEY}]\n"
    assert parse_topology(text, _ENVIRON).token_keys[0].secret == _ENVIRON["KEY"]
    assert "'KEY' is not set" in str(refusal(text, {}))


@pytest.mark.parametrize("text", ["secret: 123456", "secret: hush!hush", "sekret: hush!hush"])
def test_no_complaint_repeats_a_secret(text: str) -> None:
    shown = str(refusal("access_tokens:\n  - name: a\n    " + text + "\n"))
    assert "hush" not in shown
    assert "123456" not in shown


def test_complaints_about_what_follows_from_an_unread_setting_are_left_out() -> None:
    error = refusal("sitess: []\nedges: []\ngeo: {default_site: fra}\n")
    assert [complaint.path for complaint in error.complaints] == ["sitess"]


def test_complaints_of_a_hopeless_file_are_bounded() -> None:
    assert len(refusal("".join(f"x{n}: 1\n" for n in range(500))).complaints) == 100


def judged(content: str | bytes) -> int:
    """Records or complaints, counted; anything else escapes."""
    try:
        return len([parse_topology(content, {})])
    except TopologyError as error:
        return len(error.complaints)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8")))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    assert 1 <= judged(content) <= 100


_YAML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "sites",
                    "edges",
                    "listen",
                    "disks",
                    "settings",
                    "geo",
                    "prefixes",
                    "routes",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_YAML_VALUES)
def test_any_yaml_is_read_or_refused(value: object) -> None:
    assert 1 <= judged(yaml.safe_dump({"edges": value, "geo": value})) <= 100


_SOUND, *_BROKEN = load_vectors("broken_topologies")


def test_the_topology_that_is_broken_in_many_ways_is_sound() -> None:
    assert parse_topology(_SOUND["text"], {}, folder="/srv").name == "sound"
    assert len(_BROKEN) >= 50


@pytest.mark.parametrize("case", _BROKEN, ids=case_id)
def test_what_breaks_a_topology_is_refused_with_file_line_path_and_fix(
    case: dict[str, Any],
) -> None:
    text = _SOUND["text"]
    for old, new in case["edits"].items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    with pytest.raises(TopologyError) as caught:
        parse_topology(text, {}, file="/etc/cinedge/topology.yaml", folder="/srv")
    (complaint,) = caught.value.complaints
    assert complaint.file == "/etc/cinedge/topology.yaml"
    assert (complaint.line, complaint.path) == (case["line"], case["path"])
    assert (complaint.message, complaint.hint) == (case["message"], case["fix"])
    assert complaint.hint


@pytest.mark.parametrize("case", load_vectors("topology_errors"), ids=case_id)
def test_every_complaint_says_what_to_do(case: dict[str, Any]) -> None:
    assert [each.message for each in refusal(case["text"]).complaints if not each.hint] == []


_WITH_SECRETS = """\
origins:
  - {name: o, listen: "127.0.0.1:1", data: d, database_env: DATABASE}
access_tokens:
  - {name: a, secret_env: TOKEN}
"""
_DATABASE = "postgresql://films:hush-hush@127.0.0.1/films"


def test_every_secret_may_be_in_a_file_that_the_environment_names(tmp_path: Path) -> None:
    for name, content in (("token", "hush-hush-hush-hush"), ("database", _DATABASE)):
        (tmp_path / name).write_text(content + "\n")
    environ = {
        "TOKEN_FILE": str(tmp_path / "token"),
        "DATABASE_FILE": str(tmp_path / "database"),
    }
    topology = parse_topology(_WITH_SECRETS, environ)
    assert topology.access_tokens[0].secret == "hush-hush-hush-hush"
    assert topology.origins[0].database == _DATABASE
    assert "hush" not in repr(topology) + dump_topology(topology)
    assert "database_env: DATABASE" in dump_topology(topology)


def test_a_secret_that_is_missing_is_told_with_its_line_and_what_to_do(tmp_path: Path) -> None:
    error = refusal(_WITH_SECRETS, {"DATABASE_FILE": str(tmp_path / "none")})
    assert [(each.line, each.path) for each in error.complaints] == [
        (2, "origins[0].database_env"),
        (4, "access_tokens[0].secret_env"),
    ]
    assert f"'{tmp_path}/none', which 'DATABASE_FILE' names, cannot be read" in str(error)
    assert "environment variable 'TOKEN' is not set" in str(error)
    assert all(each.hint for each in error.complaints)


def test_a_database_given_twice_is_refused() -> None:
    text = _WITH_SECRETS.replace("data: d,", f'data: d, database: "{_DATABASE}",')
    error = refusal(text, {"TOKEN": "x" * 20, "DATABASE": _DATABASE})
    assert [each.path for each in error.complaints] == ["origins[0].database"]
    assert "hush" not in str(error)


def test_a_change_of_a_database_does_not_show_its_password() -> None:
    before, after = (
        parse_topology(_WITH_SECRETS, {"TOKEN": "x" * 20, "DATABASE": url})
        for url in (_DATABASE, _DATABASE.replace("hush", "hushed"))
    )
    (change,) = changes_between(before, after)
    assert change.path == "origins[o].database"
    assert "hush" not in change.before + change.after
