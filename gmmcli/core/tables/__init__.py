"""Rows in and out: sources, the engines that read them, tables, predictions, files of rows."""
