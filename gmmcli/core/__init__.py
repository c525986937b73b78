"""Mixtures, tables, cells, inference and runs: everything that is neither command line nor picture."""
