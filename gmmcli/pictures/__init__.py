"""Pictures of a run: computed in `scene`, drawn in `artists`, made whole in `frames` and `sheet`.

`selection` is the picture of a choice between fits, `style` how all of them look, and `painter` a
process that draws beside another one. The only place that knows matplotlib.
"""
