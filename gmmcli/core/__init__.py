"""All that is neither command line nor picture, in seven rooms, in the order of the flow.

    mixture <- tables <- cells <- groups <- inference <- search <- runs

A room imports from those before it, and never from those after it; the text of each says what
belongs there.
"""
