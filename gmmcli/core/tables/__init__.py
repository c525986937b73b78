"""Rows in and out.

Here belongs what the user named (`source`), what its files are (`formats`) and the `copies` of
those that are not read as they are (of `workbooks` among them); how text is laid out (`dialect`,
`layout`, `names`, `spellings`), what its `fields` hold; what reads it all (`engine` says what an
engine is; `duckdb_files`, with `text_files`, `databases` and `spark` are those there are, and
`opening` chooses), what engines complain of (`complaints`) and what arithmetic they all do
(`arithmetic`); tables in memory (`frames`); the chosen `columns`, expressions of them (`grammar`,
`formulas`, `evaluation`) and the `table` of them, what a mixture says about rows (`prediction`,
`grouping`, `counts`), the rows in the order of a column's values (`partition`), and where rows go
(`export`, `sink`). Only `spark` knows Spark, and only `duckdb_files` DuckDB.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
