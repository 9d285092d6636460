"""Our generator beside popularity and the models of `implicit`, on ratings it has not seen.

    python -m scripts.benchmark.recommendations FOLDER          ratings.csv and movies.csv in it
    python -m scripts.benchmark.recommendations FOLDER --tune   also how our terms were chosen

Every model is tuned on the title before the last of each user and judged on the last. Ours is what
`cinedge recommend` runs, on DuckDB, but for the age of evidence: users of these ratings are spread
over 22 years, so that old is not the same as outdated.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from pyarrow import parquet

from origin.batch.engines import DuckDb
from origin.batch.generate import recommend
from origin.batch.generator.terms import Terms
from origin.batch.parquet import ACTIVITY, TITLES
from scripts.benchmark.ratings import RECALL_AT, Split, judge, read_genres, read_ratings, split

SEED = 1
Lists = Mapping[int, Sequence[int]]
Model = Callable[[Split], Lists]

SHOWN = Terms(evidence_days=1e9, items_max=RECALL_AT)
PLAIN = replace(SHOWN, genre_max=RECALL_AT)


def ours(terms: Terms, genres: Mapping[int, list[str]], folder: Path) -> Model:
    """Our generator with these terms."""

    def make(given: Split) -> Lists:
        log, titles = folder / "log.parquet", folder / "titles.parquet"
        parquet.write_table(pa.Table.from_pylist(_events(given), schema=ACTIVITY), log)
        rows = [_title(title, of) for title, of in genres.items()]
        parquet.write_table(pa.Table.from_pylist(rows, schema=TITLES), titles)
        engine = DuckDb()
        try:
            activity = engine.table("activity", [str(log)])
            found = recommend(
                engine, activity, engine.table("titles", [str(titles)]), _end(given), terms
            ).recommendations
            lists: dict[int, list[int]] = {}
            for batch in engine.batches(found):
                for row in batch.to_pylist():
                    lists.setdefault(int(row["profile"]), []).append(int(row["title"]))
            return lists
        finally:
            engine.close()

    return make


def _end(given: Split) -> float:
    return max(each.at for each in given.known)


def _events(given: Split) -> list[dict[str, Any]]:
    return [
        {
            **{"number": number, "event": str(number), "kind": "rate", "at": each.at},
            **{"account": str(each.user), "profile": str(each.user), "title": str(each.title)},
            **{"region": "", "position_seconds": 0.0, "watched_seconds": 0.0},
            **{"value": each.value, "words": ""},
        }
        for number, each in enumerate(given.known, 1)
    ]


def _title(title: int, genres: list[str]) -> dict[str, Any]:
    return {
        **{"title": str(title), "name": str(title), "genre": genres[0] if genres else ""},
        **{"genres": genres, "year": None, "age": 0, "duration_seconds": 6000.0, "version": 1},
    }


class Matrix:
    """What is known as a matrix, for the models of others."""

    def __init__(self, given: Split) -> None:
        self.users = sorted({each.user for each in given.known})
        self.titles = sorted({each.title for each in given.known})
        user_at = {user: n for n, user in enumerate(self.users)}
        title_at = {title: n for n, title in enumerate(self.titles)}
        places = [(user_at[each.user], title_at[each.title]) for each in given.known]
        rows, columns = zip(*places, strict=True)
        shape = (len(self.users), len(self.titles))
        self.seen = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape)

    def lists(self, scores: Any) -> Lists:
        """The best unseen titles of each user."""
        scores = np.where(self.seen.toarray() > 0, -np.inf, scores)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :RECALL_AT]
        return {
            user: [self.titles[at] for at in row if np.isfinite(score[at])]
            for user, row, score in zip(self.users, best, scores, strict=True)
        }


def popularity(given: Split) -> Lists:
    """The same list for everybody."""
    matrix = Matrix(given)
    counts = np.asarray(matrix.seen.sum(0))
    return matrix.lists(np.repeat(counts, len(matrix.users), 0))


def neighbour_model(kind: Any, neighbours: int) -> Model:
    """An item-item model of `implicit`."""

    def make(given: Split) -> Lists:
        matrix = Matrix(given)
        model = kind(K=neighbours, num_threads=1)
        with warnings.catch_warnings():
            # It warns of the format that its own weighting makes.
            warnings.simplefilter("ignore")
            model.fit(matrix.seen, show_progress=False)
        return matrix.lists((matrix.seen @ model.similarity).toarray())

    return make


def factor_model(factors: int, regularization: float, alpha: float) -> Model:
    """ALS of `implicit`."""

    def make(given: Split) -> Lists:
        matrix = Matrix(given)
        model = AlternatingLeastSquares(
            factors, regularization=regularization, alpha=alpha, random_state=SEED, num_threads=1
        )
        model.fit(matrix.seen, show_progress=False)
        return matrix.lists(model.user_factors @ model.item_factors.T)

    return make


def others() -> Iterator[tuple[str, dict[str, Model]]]:
    """Models by kind and setting."""
    yield "popularity", {"": popularity}
    kinds = {"cosine": CosineRecommender, "TF-IDF": TFIDFRecommender, "BM25": BM25Recommender}
    for name, kind in kinds.items():
        yield name, {f"K={k}": neighbour_model(kind, k) for k in (20, 50, 100, 300)}
    grid = itertools.product((16, 32, 64), (0.1, 1.0, 10.0), (1.0, 10.0))
    yield "ALS", {f"{f} factors, {r:g}, {a:g}": factor_model(f, r, a) for f, r, a in grid}


def variants() -> Iterator[tuple[str, Terms]]:
    """Our terms one step away from what they are."""
    steps: dict[str, Sequence[Any]] = {
        "near_titles": (2.0, 4.0, 8.0),
        "recent_titles": (1.0, 2.0, 3.0, 5.0),
        "shrinkage": (5.0, 15.0, 30.0),
        "backward": (0.3, 0.5, 0.8),
        "support_min": (1, 2, 3),
        "neighbours_max": (50, 200, 1000),
    }
    for name, values in steps.items():
        for value in values:
            yield f"{name}={value:g}", replace(PLAIN, **{name: value})


def main() -> None:
    """Prints a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tune", action="store_true", help="try terms around ours")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cinedge-ratings-") as scratch:
        compare(args.folder, Path(scratch), tune=args.tune)


def compare(folder: Path, scratch: Path, *, tune: bool) -> None:
    """Tune, judge and print, model by model."""
    ratings, genres = read_ratings(folder), read_genres(folder)
    tuning, judging = split(ratings, back=1), split(ratings, back=0)
    if tune:
        for name, terms in variants():
            print_line(name, judge(ours(terms, genres, scratch)(tuning), tuning.held_out))
    for name, models in others():
        best = max(models, key=lambda each: judge(models[each](tuning), tuning.held_out))
        print_line(f"{name} {best}", judge(models[best](judging), judging.held_out))
    for name, terms in (("ours", PLAIN), ("ours, genres mixed", SHOWN)):
        print_line(name, judge(ours(terms, genres, scratch)(judging), judging.held_out))


def print_line(name: str, figures: tuple[float, float]) -> None:
    """One model: NDCG@10, recall@20."""
    print(f"{name:32} NDCG@10 {figures[0]:.4f}  recall@20 {figures[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
