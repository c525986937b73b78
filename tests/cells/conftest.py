"""Data that several tests of cells share."""

import pytest


@pytest.fixture
def long_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every table that is compressed for a long one."""
    monkeypatch.setattr("gmmcli.core.cells.compression.LONG", 0)
