"""Fit mixtures of two-dimensional Gaussians to tables of points, and watch them converge."""

__version__ = "0.1.0"
