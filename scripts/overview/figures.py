"""The figures of one process, as it tells them at /metrics."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Figures:
    """Samples: (name, labels) to value."""

    samples: tuple[tuple[str, dict[str, str], float], ...] = ()

    def total(self, name: str, **labels: str) -> float | None:
        """The sum of a name's samples that have these labels; None when there is none."""
        found = [
            value
            for each, has, value in self.samples
            if each == name and labels.items() <= has.items()
        ]
        return sum(found) if found else None

    def label(self, name: str, label: str) -> str:
        """A label of the first sample of a name; empty when there is none."""
        return next((has.get(label, "") for each, has, _ in self.samples if each == name), "")


def read_figures(text: str) -> Figures:
    """What a page of figures says. Raises ValueError."""
    return Figures(
        tuple(
            (sample.name, dict(sample.labels), float(sample.value))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        )
    )
