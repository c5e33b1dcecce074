"""E6: how small a gap could have been seen, and how many items or repeats a smaller one would take."""

from __future__ import annotations

import math

from harness.stats.estimate import check_level, t_quantile


def _z_sum(level: float, power: float) -> float:
    check_level(level)
    check_level(power)
    return t_quantile(0.5 + level / 2, math.inf) + t_quantile(power, math.inf)


def difference_sd(
    item_variance: float,
    closed_variance: float,
    open_variance: float,
    *,
    closed_repeats: int = 1,
    open_repeats: int = 1,
) -> float:
    """sd_d = sqrt(omega^2 + sigma_c^2/k_c + sigma_o^2/k_o): the spread of item differences after k repeats a side.

    omega^2 is the variance of the true item differences, sigma^2 the mean variance of one answer to the same item
    (`repeats` gives all three). Raises ValueError for k < 1 or a negative variance. Source: Miller 2024.
    """
    if min(closed_repeats, open_repeats) < 1 or min(item_variance, closed_variance, open_variance) < 0:
        raise ValueError("repeats must be at least 1 and variances at least 0")
    return math.sqrt(item_variance + closed_variance / closed_repeats + open_variance / open_repeats)


def detectable_iid(sd: float, n: int, *, deff: float = 1.0, level: float = 0.95, power: float = 0.8) -> float:
    """Smallest gap n independent items would show: (z_{1-alpha/2} + z_power) * sd_d * sqrt(D/n), D = max(1, deff).

    In the units of `sd`. Raises ValueError for n < 1. Source: Miller 2024.
    """
    if n < 1:
        raise ValueError(f"a comparison needs at least one item, not {n}")
    return _z_sum(level, power) * sd * math.sqrt(max(1.0, deff) / n)


def n_needed(gap: float, sd: float, *, deff: float = 1.0, level: float = 0.95, power: float = 0.8) -> int:
    """Items needed to see `gap` (same units as `sd`): ceil((z_{1-alpha/2} + z_power)^2 sd_d^2 D / gap^2), at least 1.

    Raises ValueError for a gap of 0, which no number of items shows.
    """
    if gap == 0 or not math.isfinite(gap):
        raise ValueError(f"no number of items shows a gap of {gap}")
    return max(1, math.ceil((_z_sum(level, power) * sd / gap) ** 2 * max(1.0, deff)))


def copies_needed(gap: float, se: float, g_eff: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """How many times as many clusters like these show `gap`: smallest m with `detectable`(se/sqrt(m), m G_eff - 1) <= gap.

    More items of the same clusters would not do: what they share stays. `gap` and `se` in the same units. Infinite
    where `se` is NaN. Raises ValueError for a gap of 0 or fewer than one effective cluster.
    """
    if gap == 0 or not math.isfinite(gap) or g_eff < 1:
        raise ValueError(f"no number of clusters shows a gap of {gap} ({g_eff} effective clusters)")
    if math.isnan(se):
        return math.inf

    def excess(log_m: float) -> float:
        m = math.exp(log_m)
        return detectable(se / math.sqrt(m), m * g_eff - 1, level=level, power=power) - abs(gap)

    least = math.log(1.05 / g_eff)  # t has no quantiles at 0 degrees of freedom
    if excess(least) <= 0:
        return math.exp(least)
    most = least + 1.0
    while excess(most) > 0:
        most += 1.0
    from scipy import optimize  # 250 modules, which most starts never need

    return math.exp(optimize.brentq(excess, least, most))


def repeats_needed(
    gap: float, n: int, item_variance: float, closed_variance: float, open_variance: float,
    *, deff: float = 1.0, level: float = 0.95, power: float = 0.8,
) -> int | None:  # fmt: skip
    """Repeats a side needed to see `gap` on n items: smallest k whose `detectable_iid` is at most |gap|.

    None where the items themselves differ too much, so that only more items help. Raises ValueError as `n_needed`.
    """
    if gap == 0 or n < 1:
        raise ValueError("repeats need at least one item and a gap other than 0")
    allowed = (gap / _z_sum(level, power)) ** 2 * n / max(1.0, deff) - item_variance
    answers = closed_variance + open_variance
    if answers == 0:
        return 1 if allowed >= 0 else None
    return max(1, math.ceil(answers / allowed)) if allowed > 0 else None


def detectable(se: float, df: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Smallest gap this comparison could have seen: (t_{1-alpha/2,df} + t_{power,df}) * SE, with SE and df of the
    interval that was used. NaN where the interval is. An approximation to the noncentral t that is exact for many df.
    """
    check_level(level)
    check_level(power)
    return (t_quantile(0.5 + level / 2, df) + t_quantile(power, df)) * se
