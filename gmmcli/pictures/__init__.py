"""Pictures of a run: computed in `scene`, drawn in `artists`, laid out and saved in `frames`.

`selection` is the picture of a choice between fits. The only place that knows matplotlib.
"""
