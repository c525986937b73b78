"""Mixtures, tables, cells, inference and runs: all that is neither command line nor picture."""
