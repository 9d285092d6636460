"""Image, compose file and Kubernetes example start what there is, with no right too many."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.load import load_topology, parse_topology
from config.topology import Node, Topology
from scripts.cli.main import parser_of

ROOT = Path(__file__).parents[1]
DEPLOYMENT = ROOT / "docs" / "operating" / "deployment"
CONTAINERFILE = (ROOT / "Containerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOYMENT / "compose" / "compose.yaml").read_text())
OURS = ("origin", "edge-1", "edge-2", "router")
KUBERNETES = DEPLOYMENT / "kubernetes"
MANIFESTS = [
    document
    for path in sorted(KUBERNETES.glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
WORKLOADS = [each for each in MANIFESTS if each["kind"] in ("StatefulSet", "Deployment")]


def program(name: str) -> str:
    """A program that only the whole check installs."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"needs {name}")
    return found


def run(*words: str | Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def instructions(name: str) -> list[str]:
    joined = CONTAINERFILE.replace("\\\n", " ")
    return [line[len(name) + 1 :] for line in joined.splitlines() if line.startswith(f"{name} ")]


def started(words: list[str]) -> tuple[str, str]:
    """Tier and node that a command line starts, by the parser of that command."""
    tier, *rest = words
    args = parser_of(tier).parse_args(rest)
    assert str(args.topology) == "/etc/cinedge/topology.yaml"
    return tier, args.name


def nodes_of(topology: Topology) -> dict[tuple[str, str], Node]:
    tiers: dict[str, tuple[Node, ...]] = {
        "origin": topology.origins,
        "edge": topology.edges,
        "router": topology.routers,
    }
    return {(tier, node.name): node for tier, nodes in tiers.items() for node in nodes}


def test_the_image_copies_what_is_there_and_what_its_filter_lets_through() -> None:
    sources = {
        word.replace("${LOCK}", "requirements-image.lock")
        for line in instructions("COPY")
        if not line.startswith("--from")
        for word in line.split()[:-1]
    }
    kept = {
        line[1:]
        for line in (ROOT / ".containerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert all((ROOT / source).exists() for source in sources)
    assert sources <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_image_has_every_package_and_starts_our_command() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    packages = {
        line.partition("*")[0].partition(".")[0]
        for line in setup["options.packages.find"]["include"].split()
    }
    copied = {word for line in instructions("COPY") for word in line.split()[:-1]}
    assert packages <= copied
    (entry,) = instructions("ENTRYPOINT")
    assert json.loads(entry) == ["cinedge"]
    assert "cinedge =" in setup["options.entry_points"]["console_scripts"]


def test_the_image_runs_as_nobody_in_particular_and_holds_no_secret() -> None:
    assert instructions("USER") == ["10001:10001"]
    said = " ".join([*instructions("ENV"), *instructions("ARG")])
    assert not re.search(r"(?i)token|secret|password|_key", said)
    assert CONTAINERFILE.index("USER 10001") < CONTAINERFILE.index("ENTRYPOINT")
    final = CONTAINERFILE[CONTAINERFILE.rindex("FROM ") :]
    assert "pip install" not in final
    assert "gcc" not in CONTAINERFILE


def test_the_linter_of_container_files_has_nothing_to_say() -> None:
    assert run(program("hadolint"), ROOT / "Containerfile") == ""


@pytest.fixture
def health() -> Iterator[tuple[str, list[int]]]:
    """An address, and the status it answers with."""
    status = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is to be told."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/readyz", status
        server.shutdown()
        thread.join()


def test_the_health_check_tells_ready_from_not_ready(health: tuple[str, list[int]]) -> None:
    url, status = health
    (line,) = instructions("HEALTHCHECK")
    in_image = json.loads(line[line.index("[") :])
    for words in (in_image, COMPOSE["x-health"]["test"][1:]):
        command = [sys.executable, *words[1:]]
        for answer, code in ((200, 0), (503, 1)):
            status[0] = answer
            done = subprocess.run(
                command, env={"CINEDGE_HEALTH": url}, capture_output=True, check=False
            )
            assert done.returncode == code


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Topology, Path]:
    """The topology of the compose file, with secrets as its script makes them."""
    folder = tmp_path_factory.mktemp("compose") / "compose"
    shutil.copytree(DEPLOYMENT / "compose", folder)
    run(folder / "make-secrets")
    environ = {
        name: str(folder / "secrets" / Path(path).name)
        for name, path in COMPOSE["x-environment"].items()
    }
    return load_topology(folder / "config" / "topology.yaml", environ), folder


def test_the_script_makes_every_secret_of_the_compose_file_once(
    installation: tuple[Topology, Path],
) -> None:
    _, folder = installation
    made = {f"./secrets/{path.name}": path.read_text() for path in (folder / "secrets").iterdir()}
    assert set(made) == {each["file"] for each in COMPOSE["secrets"].values()}
    assert (folder / "secrets").stat().st_mode & 0o077 == 0
    assert len(set(made.values())) == len(made)
    run(folder / "make-secrets")
    assert {f"./secrets/{p.name}": p.read_text() for p in (folder / "secrets").iterdir()} == made


def test_what_the_topology_offers_behind_a_comment_works_with_these_secrets(
    installation: tuple[Topology, Path],
) -> None:
    _, folder = installation
    path = folder / "config" / "topology.yaml"
    text = re.sub(r"(?m)^(    )# (?=database_env|object_store|  \w)", r"\1", path.read_text())
    environ = {
        name: str(folder / "secrets" / Path(mounted).name)
        for name, mounted in COMPOSE["x-environment"].items()
    }
    (origin,) = parse_topology(text, environ, folder=str(path.parent)).origins
    assert origin.database.startswith("postgresql://cinedge:")
    assert origin.object_store is not None
    known = json.loads((folder / "secrets" / "object_store").read_text())["identities"][0]
    assert known["credentials"] == [
        {"accessKey": origin.object_store.access_key_id, "secretKey": origin.object_store.secret}
    ]


def test_every_service_starts_a_process_of_the_topology_and_asks_it_how_it_is(
    installation: tuple[Topology, Path],
) -> None:
    topology, _ = installation
    nodes = nodes_of(topology)
    found = {name: started(COMPOSE["services"][name]["command"]) for name in OURS}
    assert set(found.values()) == set(nodes)
    for name, which in found.items():
        node = nodes[which]
        port = getattr(node, "admin", None) or node.listen
        asked = COMPOSE["services"][name]["environment"]["CINEDGE_HEALTH"]
        assert asked == f"http://127.0.0.1:{port.port}/readyz"


def test_services_have_no_rights_and_one_place_to_write() -> None:
    for name in OURS:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] == "10001:10001"
        assert service["security_opt"] == ["no-new-privileges:true"]
        writable = [each for each in service["volumes"] if not each.endswith(":ro")]
        assert [each.partition(":")[2] for each in writable] == ["/var/lib/cinedge"]


def test_services_wait_for_the_health_of_those_they_ask() -> None:
    for name in ("origin", "edge-1", "edge-2", "router"):
        for other, how in COMPOSE["services"][name]["depends_on"].items():
            assert how["condition"] == "service_healthy"
            assert "healthcheck" in COMPOSE["services"][other]


def test_the_database_is_one_that_the_image_can_back_up() -> None:
    (base,) = (line.partition("=")[2] for line in instructions("ARG") if line.startswith("BASE="))
    clients = {"bookworm": 15, "trixie": 17}
    server = COMPOSE["services"]["postgres"]["image"].rpartition(":")[2]
    assert int(server) <= clients[base.rpartition("-")[2]]


def test_compose_takes_the_file_with_all_profiles() -> None:
    words = ("-f", DEPLOYMENT / "compose" / "compose.yaml")
    profiles = ("--profile", "postgres", "--profile", "objects")
    # To show a file it asks the engine for its version, and for nothing else.
    engine = ("--podman-path", shutil.which("podman") or program("echo"))
    shown = run(program("podman-compose"), *engine, *words, *profiles, "config")
    assert set(yaml.safe_load(shown)["services"]) == {*OURS, "postgres", "objects"}


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = workload["spec"]["template"]["spec"]
    return pod


def container_of(workload: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod_of(workload)["containers"]
    return dict(container)


@pytest.fixture(scope="module")
def cluster_topology() -> Topology:
    (config,) = (each for each in MANIFESTS if each["kind"] == "ConfigMap")
    text = config["data"]["topology.yaml"]
    environ = {
        name: f"{name}-of-32-characters-or-more-x" for name in re.findall(r"_env: (\w+)", text)
    }
    return parse_topology(text, environ, folder="/etc/cinedge")


def test_kubernetes_takes_every_manifest() -> None:
    validate = program("kubernetes-validate")
    files = [path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml"]
    assert "passed for resource statefulset/edge" in run(validate, "--strict", *files)


def test_every_manifest_is_applied() -> None:
    (kustomization,) = (each for each in MANIFESTS if each["kind"] == "Kustomization")
    names = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(kustomization["resources"]) == names


def test_every_pod_is_a_node_of_the_topology(cluster_topology: Topology) -> None:
    found = set()
    for workload in WORKLOADS:
        name = workload["metadata"]["name"]
        pods = range(workload["spec"]["replicas"]) if workload["kind"] == "StatefulSet" else ()
        for pod in [f"{name}-{number}" for number in pods] or [name]:
            words = [each.replace("$(POD_NAME)", pod) for each in container_of(workload)["args"]]
            found.add(started(words))
    assert found == set(nodes_of(cluster_topology))


def test_ports_are_those_that_processes_listen_on(cluster_topology: Topology) -> None:
    for (tier, _), node in nodes_of(cluster_topology).items():
        (workload,) = (each for each in WORKLOADS if each["metadata"]["labels"]["tier"] == tier)
        ports = {each["name"]: each["containerPort"] for each in container_of(workload)["ports"]}
        wanted = {"http": node.listen.port}
        if admin := getattr(node, "admin", None):
            wanted["admin"] = admin.port
        assert ports == wanted
        assert not any("hostPort" in each for each in container_of(workload)["ports"])


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: str(each["metadata"]["name"]))
def test_pods_keep_to_the_restricted_profile(workload: dict[str, Any]) -> None:
    pod, container = pod_of(workload), container_of(workload)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: str(each["metadata"]["name"]))
def test_pods_have_time_to_drain_to_answer_and_to_close(workload: dict[str, Any]) -> None:
    before = container_of(workload).get("lifecycle", {}).get("preStop", {}).get("exec", {})
    words = shlex.split(" ".join(before.get("command", [])))
    waits = int(words[words.index("--wait") + 1]) if "--wait" in words else 0
    assert pod_of(workload)["terminationGracePeriodSeconds"] >= waits + 10 + 15


def test_what_pods_run_around_their_life_are_commands_of_ours() -> None:
    (edge,) = (each for each in WORKLOADS if each["metadata"]["name"] == "edge")
    for when, name in (("preStop", "drain"), ("postStart", "undrain")):
        script = container_of(edge)["lifecycle"][when]["exec"]["command"][-1]
        words = shlex.split(script[script.index("cinedge") :].replace(";", " ;"))
        stop = next(at for at, word in enumerate(words) if word in ("||", ";"))
        args = parser_of(words[1]).parse_args(words[2:stop])
        assert words[1] == name
        assert args.admin == "http://127.0.0.1:9100"


def test_no_manifest_holds_a_secret() -> None:
    assert not any(each["kind"] == "Secret" for each in MANIFESTS)
    text = "".join(path.read_text() for path in DEPLOYMENT.rglob("*.yaml"))
    assert not re.search(r"\bsecret: \S", text)
