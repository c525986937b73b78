"""Rows become cells: groups of points with sufficient statistics, as fine as a fit needs them."""
