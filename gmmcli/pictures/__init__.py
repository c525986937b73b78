"""Pictures of a run: computed in `scene`, drawn in `artists`, made whole in `frames` and `sheet`.

What is arithmetic stands apart: `colours`, `rasters` (many cells as an image), and `labels` (where
numbers stand). `points` draws the data, `strip` what is left to climb, `captions` says it in words.

`selection` is the picture of a choice between fits, `style` how all of them look, and `painter` a
process that draws beside another one. The only place that knows matplotlib.
"""
