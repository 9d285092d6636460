"""Recommendations as rows: runs of the batch job, their lists, and which run is shown to whom.

A run's lists are written under its id while nobody reads them; promoting it is one row in one
transaction, and going back is promoting another. Each label of an experiment shows a run of its
own. Callers own the transactions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from cdnkit.errors import ConflictError, NotFoundError
from origin.catalog.tables import metadata

CONTROL: Final = "control"
TRIAL: Final = "trial"
LABELS: Final = (CONTROL, TRIAL)
PROFILE: Final = "profile"
REGION: Final = "region"
PROMOTIONS_KEPT: Final = 200
RUNS_KEPT: Final = 3
"""Finished runs that stay, to go back to; whatever is shown stays besides."""

recommendation_runs = sa.Table(
    "recommendation_runs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("made_at", sa.Double, nullable=False),
    sa.Column("is_finished", sa.Boolean, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
)

recommendation_lists = sa.Table(
    "recommendation_lists",
    metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("items", sa.JSON, nullable=False),
    sa.Index("ix_recommendation_lists_account", "account"),
)

recommendation_labels = sa.Table(
    "recommendation_labels",
    metadata,
    sa.Column("label", sa.Text, primary_key=True),
    sa.Column("run", sa.Text, nullable=False),
)

recommendation_promotions = sa.Table(
    "recommendation_promotions",
    metadata,
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Item:
    """A title of a list; `reason` is the title that speaks for it most, empty when none does."""

    title: str
    score: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TitleList:
    """What a profile, or a region, is shown: the best first."""

    kind: str
    owner: str
    account: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One making of all lists. `made_at` is the moment of what it knew."""

    id: str
    made_at: float
    is_finished: bool
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is for one profile: its own list, and that of its region."""

    run: Run
    own: TitleList | None
    regional: TitleList | None


@dataclass(frozen=True, slots=True)
class Promotion:
    """What somebody did with a label: `run` is empty where it was withdrawn, `before` at first."""

    at: float
    label: str
    run: str
    before: str
    made_by: str


async def begin_run(
    connection: AsyncConnection, run: str, made_at: float, detail: Mapping[str, Any]
) -> None:
    """Make room for a run; what an earlier attempt left of it goes.

    Raises ConflictError for one that is finished.
    """
    found = await find_run(connection, run)
    if found is not None and found.is_finished:
        raise ConflictError(f"the run {run} is finished already")
    await _drop_runs(connection, [run])
    row = {"id": run, "made_at": made_at, "is_finished": False, "detail": dict(detail)}
    await connection.execute(sa.insert(recommendation_runs), [row])


async def save_lists(connection: AsyncConnection, run: str, lists: Sequence[TitleList]) -> None:
    """Write some lists of a run that is not finished."""
    rows = [
        {
            "run": run,
            "kind": each.kind,
            "owner": each.owner,
            "account": each.account,
            "items": [[item.title, item.score, item.reason] for item in each.items],
        }
        for each in lists
    ]
    if rows:
        await connection.execute(sa.insert(recommendation_lists), rows)


async def finish_run(connection: AsyncConnection, run: str, detail: Mapping[str, Any]) -> None:
    """All of its lists are there: it may be shown."""
    await connection.execute(
        sa.update(recommendation_runs)
        .where(recommendation_runs.c.id == run)
        .values(is_finished=True, detail=dict(detail))
    )


async def promote(
    connection: AsyncConnection, run: str, label: str, *, made_by: str, at: float
) -> None:
    """Show a run to everybody of a label. Raises NotFoundError, ConflictError."""
    found = await find_run(connection, run)
    if found is None:
        raise NotFoundError(f"there is no run {run}")
    if not found.is_finished:
        raise ConflictError(f"the run {run} is not finished")
    before = (await promoted(connection)).get(label, "")
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(recommendation_labels).values(label=label, run=run)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["label"], set_={"run": run})
    )
    await _note(connection, Promotion(at, label, run, before, made_by))


async def withdraw(connection: AsyncConnection, label: str, *, made_by: str, at: float) -> None:
    """Show everybody of a label what the control group sees."""
    before = (await promoted(connection)).get(label, "")
    await connection.execute(
        sa.delete(recommendation_labels).where(recommendation_labels.c.label == label)
    )
    await _note(connection, Promotion(at, label, "", before, made_by))


async def promotions(connection: AsyncConnection, limit: int = PROMOTIONS_KEPT) -> list[Promotion]:
    """Who showed what to whom, the newest first."""
    numbered = recommendation_promotions.c
    statement = sa.select(recommendation_promotions).order_by(numbered.number.desc()).limit(limit)
    return [_read_promotion(row) for row in await connection.execute(statement)]


async def find_run(connection: AsyncConnection, run: str) -> Run | None:
    """One run."""
    statement = sa.select(recommendation_runs).where(recommendation_runs.c.id == run)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _read_run(row)


async def list_runs(connection: AsyncConnection) -> list[Run]:
    """Every run, the newest first."""
    runs = recommendation_runs
    statement = sa.select(runs).order_by(runs.c.made_at.desc(), runs.c.id.desc())
    return [_read_run(row) for row in await connection.execute(statement)]


async def promoted(connection: AsyncConnection) -> dict[str, str]:
    """The run that each label shows."""
    rows = await connection.execute(sa.select(recommendation_labels))
    return {row.label: row.run for row in rows}


async def forget_runs(connection: AsyncConnection, kept: int = RUNS_KEPT) -> list[str]:
    """Remove all but the newest finished runs and those that are shown; which went.

    A run that is not finished goes too, so this is for the job alone, which runs one at a time.
    """
    shown = set((await promoted(connection)).values())
    runs = await list_runs(connection)
    stay = {run.id for run in [each for each in runs if each.is_finished][:kept]} | shown
    gone = [run.id for run in runs if run.id not in stay]
    await _drop_runs(connection, gone)
    return gone


async def find_shown(
    connection: AsyncConnection, label: str, profile: str, region: str
) -> Shown | None:
    """What a profile is to be shown; None where no run was ever promoted.

    A label without a run of its own shows the control group's; a region without a list shows what
    is popular everywhere.
    """
    # In one statement: each costs a viewer a millisecond.
    rows = (await connection.execute(_find_shown(label, profile, region))).all()
    chosen = [row for row in rows if row.label == label] or rows
    if not chosen:
        return None
    run = _read_run(chosen[0])
    found = [_read_list(row) for row in chosen if row.kind is not None]
    by_owner = {(each.kind, each.owner): each for each in found}
    regional = by_owner.get((REGION, region)) or by_owner.get((REGION, ""))
    return Shown(run, by_owner.get((PROFILE, profile)), regional)


async def lists_of(connection: AsyncConnection, run: str) -> list[TitleList]:
    """All lists of a run, in the order of their owners."""
    lists = recommendation_lists.c
    statement = (
        sa.select(recommendation_lists).where(lists.run == run).order_by(lists.kind, lists.owner)
    )
    return [_read_list(row) for row in await connection.execute(statement)]


async def profile_lists(connection: AsyncConnection, run: str, limit: int) -> list[TitleList]:
    """Lists of some profiles: the first by their ids, which are drawn by chance."""
    lists = recommendation_lists.c
    statement = sa.select(recommendation_lists).where(lists.run == run, lists.kind == PROFILE)
    found = await connection.execute(statement.order_by(lists.owner).limit(limit))
    return [_read_list(row) for row in found]


async def lists_of_profiles(
    connection: AsyncConnection, run: str, profiles: Sequence[str]
) -> list[TitleList]:
    """The lists that a run has for profiles."""
    lists = recommendation_lists.c
    of_run = (lists.run == run) & (lists.kind == PROFILE)
    statement = sa.select(recommendation_lists).where(of_run, lists.owner.in_(profiles))
    return [_read_list(row) for row in await connection.execute(statement)]


async def erase(connection: AsyncConnection, account: str) -> None:
    """Remove everything of an account."""
    await connection.execute(
        sa.delete(recommendation_lists).where(recommendation_lists.c.account == account)
    )


async def erase_profile(connection: AsyncConnection, profile: str) -> None:
    """Remove everything of a profile."""
    lists = recommendation_lists.c
    await connection.execute(
        sa.delete(recommendation_lists).where(lists.kind == PROFILE, lists.owner == profile)
    )


async def export(connection: AsyncConnection, account: str) -> list[Mapping[str, Any]]:
    """Everything of an account, as it is kept."""
    rows = await connection.execute(
        sa.select(recommendation_lists)
        .where(recommendation_lists.c.account == account)
        .order_by(recommendation_lists.c.run, recommendation_lists.c.owner)
    )
    return [dict(row._mapping) for row in rows]


def _find_shown(label: str, profile: str, region: str) -> sa.Select[Any]:
    """Rows of the label and of the control group: the run, and a list of it where there is one."""
    labels, runs, lists = recommendation_labels, recommendation_runs, recommendation_lists
    own = sa.and_(lists.c.kind == PROFILE, lists.c.owner == profile)
    regional = sa.and_(lists.c.kind == REGION, lists.c.owner.in_(sorted({region, ""})))
    return (
        sa.select(
            labels.c.label, runs, lists.c.kind, lists.c.owner, lists.c.account, lists.c["items"]
        )
        .join(runs, runs.c.id == labels.c.run)
        .outerjoin(lists, sa.and_(lists.c.run == runs.c.id, sa.or_(own, regional)))
        .where(labels.c.label.in_(sorted({label, CONTROL})))
    )


async def _note(connection: AsyncConnection, promotion: Promotion) -> None:
    """Write down what was done; what is very old goes."""
    numbered = recommendation_promotions
    await connection.execute(sa.insert(numbered).values(asdict(promotion)))
    newest = sa.select(sa.func.max(numbered.c.number)).scalar_subquery()
    await connection.execute(
        sa.delete(numbered).where(numbered.c.number <= newest - PROMOTIONS_KEPT)
    )


async def _drop_runs(connection: AsyncConnection, runs: Sequence[str]) -> None:
    await connection.execute(
        sa.delete(recommendation_lists).where(recommendation_lists.c.run.in_(runs))
    )
    await connection.execute(
        sa.delete(recommendation_runs).where(recommendation_runs.c.id.in_(runs))
    )


def _read_run(row: sa.Row[Any]) -> Run:
    return Run(row.id, row.made_at, row.is_finished, row.detail)


def _read_promotion(row: sa.Row[Any]) -> Promotion:
    return Promotion(row.at, row.label, row.run, row.before, row.made_by)


def _read_list(row: sa.Row[Any]) -> TitleList:
    items = tuple(Item(title, score, reason) for title, score, reason in row.items)
    return TitleList(row.kind, row.owner, row.account, items)
