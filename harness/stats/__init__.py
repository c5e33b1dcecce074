"""The estimators of the gap: arrays in, numbers out, scores in [0, 1], gap = closed - open.

Each estimator lives in the module of its name, and nothing is imported here, so that `import harness.stats`
costs nothing:

    paired, clustered, proportions, bootstrap, repeats   one pair of systems: mean, standard error, interval
    power, equivalence, adjust, sequential               what could be seen, is it small, many rows, stop
    early frontier, cost, pareto, lag                          best against best, at a cost, what to buy, in
    months dimension, drift                                     several tasks in one row, one system over
    time

Every estimator refuses NaN (`ValueError`): what was not answered is left out on both sides before it gets
here. What one item or one cluster cannot tell (a standard error, an interval) is NaN in the result, never
zero.
"""
