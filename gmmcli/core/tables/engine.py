"""What the rest of the program asks of whatever reads rows: an `Engine`, and a `Dataset` by it.

Expressions are Ibis's, and so is what most engines do with them. To add an engine, write a module
beside this one with a function from a `Source` to a `Dataset`, give its `Engine` what it does
otherwise than Ibis, and have `opening` choose it; where users choose it by name, the name is one of
`settings.EngineName`. The roots of the exceptions it raises are in `complaints`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from gmmcli.core.tables.dialect import Dialect

# About how many rows a batch of a stream has: a few ten megabytes against many small writes.
BATCH_ROWS = 200_000


class WriteParts(Protocol):
    """Writes rows to a directory of parts, in their order, as the engine does."""

    def __call__(self, rows: ir.Table, directory: str, *, overwrite: bool) -> None:
        """Write rows to a path or URL that the engine knows; its suffix tells the format."""


class ReadNumbers(Protocol):
    """Gives the rows of a dataset with some columns read as numbers, and others as text."""

    def __call__(
        self, columns: Sequence[str], *, plainly: bool, texts: Sequence[str] = ()
    ) -> ir.Table:
        """The rows; plainly, what is no number, but for an empty field, is an error."""


def read_first(rows: ir.Table, n_rows: int) -> pa.Table:
    """The first rows in the order of the source, at most so many, as Ibis reads them."""
    return rows.limit(n_rows).to_pyarrow()


def stream(rows: ir.Table, n_rows: int) -> pa.RecordBatchReader:
    """Rows in their order, in batches of about so many, as Ibis reads them."""
    return rows.to_pyarrow_batches(chunk_size=n_rows)


def match_titles(titles: Sequence[str], rows: ir.Table) -> dict[str, str]:
    """What columns are called by their source, by what the rows call them, where these differ.

    Args:
        titles: in the order of the columns, all different.
        rows: as an engine has them.
    """
    pairs = zip(rows.columns, titles, strict=True)
    return {str(name): title for name, title in pairs if name != title}


def rename(
    batches: pa.RecordBatchReader, names: Sequence[str]
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Batches with other names of their columns, as a schema and the batches themselves."""
    columns = zip(batches.schema, names, strict=True)
    schema = pa.schema([column.with_name(name) for column, name in columns])
    return schema, (batch.rename_columns(names) for batch in batches)


def have_twins(names: Sequence[str]) -> bool:
    """Whether some names differ by capitals alone."""
    return len({name.lower() for name in names}) < len(names)


@dataclass(frozen=True)
class Engine:
    """What runs expressions over rows, and how it does what engines do differently.

    Attributes:
        backend: Ibis's connection to it.
        read_first: gives the first rows in the order of the source, at most so many.
        stream: gives rows in their order and in bounded memory, in batches of about so many.
        write_parquet: writes rows to a Parquet file, in their order and in bounded memory; None
            where the engine leaves that to others.
        write_parts: writes rows to a directory; None where the engine leaves files to others.
        relay: gives rows to an engine that evaluates long expressions once for each, to be read
            once; None where this one does.
    """

    backend: BaseBackend
    read_first: Callable[[ir.Table, int], pa.Table] = read_first
    stream: Callable[[ir.Table, int], pa.RecordBatchReader] = stream
    write_parquet: Callable[[ir.Table, Path], None] | None = None
    write_parts: WriteParts | None = None
    relay: "Callable[[pa.RecordBatchReader], Dataset] | None" = None


@dataclass(frozen=True)
class Dataset:
    """All rows and columns of a source, not read yet.

    Attributes:
        rows: an Ibis table.
        engine: what runs expressions over it.
        dialect: the layout of text files; None of others.
        reread: gives the rows with some columns read as numbers; None where that is no choice.
        find_fault: reads some columns as numbers, and raises with the line of the first that is
            none; None where lines are not known.
        n_rows_about: roughly how many rows there are, where that is known without reading them.
        text_may_be_numbers: whether numbers may be in columns of text, as in files they may.
        titles: what the source calls columns, by what the rows call them, where these differ: most
            engines take names that differ by capitals alone for one.
    """

    rows: ir.Table
    engine: Engine
    dialect: Dialect | None = None
    reread: ReadNumbers | None = None
    find_fault: Callable[[Sequence[str]], None] | None = None
    n_rows_about: float | None = None
    text_may_be_numbers: bool = True
    titles: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The columns in their order, as the source calls them."""
        return [self.titles.get(str(name), str(name)) for name in self.rows.columns]

    def find(self, title: str) -> str:
        """What the rows call a column that the source calls so."""
        return next((name for name, own in self.titles.items() if own == title), title)

    def title(self, rows: pa.Table) -> pa.Table:
        """Rows made from these, with the columns called as the source calls them."""
        return rows.rename_columns([self.titles.get(name, name) for name in rows.column_names])

    def read_numbers(
        self, columns: Sequence[str], *, plainly: bool = False, texts: Sequence[str] = ()
    ) -> "Dataset":
        """The same dataset with some columns read as numbers, where that is a choice.

        Args:
            columns: their names.
            plainly: take what is no number, but for an empty field, as an error.
            texts: the names of columns to read as they are written.
        """
        if self.reread is None:
            return self
        return replace(self, rows=self.reread(columns, plainly=plainly, texts=texts))
