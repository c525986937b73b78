"""The numbers that a search trades by: all of them, each with what it trades.

None of them decides what is right, which the objective does; all but the first three decide how
long a search looks. `benchmarks/beds.py` holds what they find and `benchmarks/planted.py` how long
that takes; the pages on decisions have what other values gave.
"""

from gmmcli.settings import Effort

# The objective.
# A component with no more points than this is annihilated: it could be on any of them. With less,
# a search ends on single strays; with more, groups of three or four are lost.
LEAST_MASS = 2.0
# A component whose least variance is a share v of the data's costs C - ln v, in nats: strips that
# chance brings against thin groups that are there.
CHANCE = 8.0
# What a background has to gain beyond the price of its parameter, in nats: a box about the points
# is as near to them as can be, and clean tables of a few points gain up to this by it.
BACKGROUND_GAIN = 8.0

# Passes.
# A pass begins with so many components, and with twice as many where its best has nearly as many,
# which is this share; a later pass begins with twice this share of what the best has: groups that
# are missed against steps of EM.
FIRST = 32
NEARLY = 0.8
# One in so many components goes at a time, and one where there are fewer: good merges against
# steps of EM.
AT_ONCE = 16
# Of so many merges and omissions that promise to lose least, what each loses is worked out.
EXACT = 8
# Steps of EM between merges, and until a start has found its shape or what is near the best has
# settled: mixtures judged too early against time.
STEPS = 3
STEPS_TO_SETTLE = 30
# The share of the points that a background begins with.
SHARE = 0.1
# How many passes in a row bring nothing before a search ends.
PATIENCE: dict[Effort, int] = {"quick": 1, "normal": 2, "thorough": 6}

# Regions.
# A component is solved anew with so many others, those that overlap it most: optima that only more
# of them could leave against the time of one.
NEIGHBOURS = 5
# Of so many components more and fewer than there are, mixtures are looked at.
ASIDE = 2
# What is found is taken where it brings more than this, in nats: optima against time.
WORTHWHILE = 0.5

# Insertion.
# A component brings up to so many times what a box about its points shows: rare clusters against
# boxes that are looked into in vain.
PROMISE = 3.0
# So many are looked into at most.
MOST_TRIED = 12

# Climbs.
# Another optimum climbs, too, and is told of, whose log-likelihood is lower by no more, in nats:
# data hardly prefer a mixture that is e² = 7 times as likely.
RIVAL = 2.0
# Candidates climb, too, whose criterion is higher than the best one's by no more, in twice nats.
REACH = 10.0
# A fit has converged when its remaining climb is estimated below this, in nats for all points: half
# the square of 1 % of a standard error of a parameter.
TOLERANCE = 5e-5
# On cells that finer ones will follow, as much may be left: far less than the finer ones move it.
NEAR = 0.01
