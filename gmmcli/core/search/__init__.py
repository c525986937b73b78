"""The best of many optima, and of many numbers of components."""
