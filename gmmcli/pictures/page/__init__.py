"""A page that plays the convergence of a run in a browser, by itself and without a network.

`quantisation` makes a run's data small, and `page` writes them with a style sheet and scripts of
our own into one file. Of the scripts, mixtures.js has the arithmetic, plot.js draws, and page.js
answers the reader.
"""
