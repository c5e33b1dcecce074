"""E5: an interval for the gap of two right-or-wrong systems that holds with few items and few disagreements."""

from __future__ import annotations

import math

from harness.stats.estimate import Estimate, check_level, t_quantile

TANGO = "Tango score interval"


def score_interval(b10: int, b01: int, n: int, *, level: float = 0.95) -> Estimate:
    """Tango's score interval for the difference of paired proportions (b10 - b01) / n.

    It holds all Delta with |b10 - b01 - n Delta| <= z sqrt(n (2 q + Delta (1 - Delta))), q the maximum-likelihood
    estimate of P(closed wrong, open right) given Delta (Tango's q21, the larger root of 2n q^2 + B q + C = 0). Unlike
    a t interval it has a width when no pair disagrees. `se` is half the width over z, so that a detectable size can
    be had from it; `df` is infinite. b10 items only closed got right, b01 only open, n all items. Raises ValueError
    for counts that do not fit. Source: Tango, Statistics in Medicine 17 (1998), 891-908.
    """
    check_level(level)
    if n < 1 or min(b10, b01) < 0 or b10 + b01 > n:
        raise ValueError(f"{b10} and {b01} discordant pairs among {n} items: counts do not fit")
    z, mean = t_quantile(0.5 + level / 2, math.inf), (b10 - b01) / n

    def excess(delta: float) -> float:
        """(b10 - b01 - n delta)^2 - z^2 * variance at delta: negative inside the interval."""
        linear = (2 * n - b10 + b01) * delta - b10 - b01
        constant = -b01 * delta * (1 - delta)
        q = (math.sqrt(max(0.0, linear**2 - 8 * n * constant)) - linear) / (4 * n)
        return (b10 - b01 - n * delta) ** 2 - z**2 * n * max(0.0, 2 * q + delta * (1 - delta))

    # At -1 and 1 the variance is 0, so excess > 0 there unless the estimate itself is that end. A hair
    # beside the estimate excess < 0, while at the estimate itself it is 0 when no pair disagrees.
    from scipy import optimize  # 250 modules, which most starts never need

    low = -1.0 if mean == -1 else float(optimize.brentq(excess, -1.0, mean - 1e-10, xtol=1e-13))
    high = 1.0 if mean == 1 else float(optimize.brentq(excess, mean + 1e-10, 1.0, xtol=1e-13))
    return Estimate(mean, (high - low) / (2 * z), math.inf, n, low, high, level, TANGO)
