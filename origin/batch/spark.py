"""Spark as the engine of the generator, through Ibis: on this machine, or wherever a master is.

CINEDGE_SPARK_MASTER names the master ("local[*]" by default). Spark reads folders and HDFS by
itself; its session is one a process, so `close` ends it for everybody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import ibis
import pyarrow as pa
from ibis.expr.types import Table
from pyspark.sql import SparkSession

from cdnkit.errors import UnavailableError
from origin.batch.engines import BATCH_ROWS

_SETTINGS: Final = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.hadoop.dfs.replication": "2",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


class Spark:
    """A session, as an engine."""

    name = "spark"
    schemes = frozenset({"", "hdfs"})

    def __init__(self, session: SparkSession) -> None:
        self._session = session
        self._ibis = ibis.pyspark.connect(session)

    def table(self, name: str, urls: Sequence[str]) -> Table:
        addresses = [url if "://" in url else f"file://{url}" for url in urls]
        self._session.read.parquet(*addresses).createOrReplaceTempView(name)
        return self._ibis.table(name)

    def keep(self, name: str, expression: Table) -> Table:
        frame = self._session.sql(self._ibis.compile(expression)).cache()
        # Evaluated here, so that what it costs is counted where it is asked for.
        frame.count()
        frame.createOrReplaceTempView(name)
        return self._ibis.table(name)

    def batches(self, expression: Table) -> Iterator[pa.RecordBatch]:
        # Not by Ibis 12: it goes through pandas, in ways that pandas 3 warns of.
        yield from (
            self._session.sql(self._ibis.compile(expression)).toArrow().to_batches(BATCH_ROWS)
        )

    def close(self) -> None:
        self._session.stop()


def open_spark(environ: Mapping[str, str] = os.environ) -> Spark:
    """A session with the master that the environment names. Raises UnavailableError."""
    builder = SparkSession.builder.appName("cinedge")
    builder = builder.master(environ.get("CINEDGE_SPARK_MASTER", "local[*]"))
    for name, value in _SETTINGS.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # of the gateway to Java, which tells what it says by any type
        raise UnavailableError(f"Spark does not start: {str(error).splitlines()[0]}") from error
    session.sparkContext.setLogLevel("ERROR")
    return Spark(session)
