"""Pictures of a run: computed in `scene`, drawn in `artists`, laid out in `frames` and `sheet`.

The only place that knows matplotlib.
"""
