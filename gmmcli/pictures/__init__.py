"""Pictures of a run: computed in `scene`, drawn in `artists`, laid out and saved in `frames`.

The only place that knows matplotlib.
"""
