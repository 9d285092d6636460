"""A packaged film behind a real edge, and what the edge says of the bytes it fetched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.helpers.cluster import Cluster
from tests.helpers.processes import wait_until

PACKAGING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Played:
    """A published title and the edge it is played from."""

    cluster: Cluster
    edge: str
    package: dict[str, Any]

    def url(self, member: str) -> str:
        """Where a member of the package plays; `hls`, `dash` or `progressive`."""
        return f"{self.cluster.edges[self.edge]}/{self.package[member]}"

    def file_url(self, name: str) -> str:
        """Where a file of the package lies."""
        return f"{self.cluster.edges[self.edge]}/{self.package['prefix']}{name}"

    def fill_bytes(self) -> int:
        """Bytes that the edge has received into blocks so far."""
        edge = next(each for each in self.cluster.topology.edges if each.name == self.edge)
        text = httpx.get(f"http://{edge.admin}/metrics").raise_for_status().text
        found = re.findall(r"^cinedge_\w*fill_bytes\w*(?:\{[^}]*\})? ([0-9.e+]+)$", text, re.M)
        assert found, text
        return int(sum(float(each) for each in found))


def publish(
    cluster: Cluster,
    title_id: str,
    film: Path,
    edge: str,
    subtitles: Sequence[tuple[str, str, str]] = (),
) -> Played:
    """Upload a film, save its title, package it, and wait until viewers get it.

    `subtitles` are languages, labels and texts.
    """
    key = f"films/{title_id}.mp4"
    cluster.put(key, film.read_bytes(), "video/mp4")
    url = f"{cluster.origin}/v1/titles/{title_id}"
    title: dict[str, Any] = {"title": title_id, "media": key}
    for language, label, text in subtitles:
        named = f"films/{title_id}-{language}.vtt"
        cluster.put(named, text.encode(), "text/vtt")
        entry = {"key": named, "language": language, "label": label}
        title.setdefault("subtitles", []).append(entry)
    httpx.put(url, json=title).raise_for_status()
    assert httpx.post(f"{url}/packaging").raise_for_status().status_code in (200, 202)
    last: dict[str, Any] = {}

    def ends() -> bool:
        last.update(httpx.get(f"{url}/packaging").raise_for_status().json())
        assert last["state"] != "refused", last
        return bool(last["state"] == "published")

    wait_until(ends, f"{title_id} is published", PACKAGING_SECONDS)
    return Played(cluster, edge, last["published"])
