"""Pictures of a run: `kinds` names them and `drawing` makes them. Only here matplotlib is known.

What they share is computed in `scene` and drawn by `artists`. Arithmetic stands apart: `colours`,
`rasters` (many cells as an image) and `labels` (where numbers stand). `points` draws the data,
`strip` what is left to climb; `captions` says things in words, and `style` is how all look.

A module makes each kind: `frames`, `sheet`, `elbo`, `density`, `uncertainty`, `residuals`,
`selection`, `tree` (of the groups) and `marginals`; `panel` has what those with one panel share.
`comparison` is of two runs, `films` and `page` play the convergence, `terminal` is for letters in
place of pixels, and `painter` a process that draws beside another one.
"""
