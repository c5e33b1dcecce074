"""How did each system's answers come: readable, unreadable, cut off, empty, refused, or not at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness.report.charts.rows import rows_of
from harness.report.charts.waterfall import LOOKS
from harness.report.facts import IMPORTED, Facts, TooLittle
from harness.report.style import EDGE_IN, Theme, frame
from harness.report.typeset import fitted
from harness.text import STATUS, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW_IN, HEAD_IN, AXIS_IN, MOST = 0.36, 0.45, 0.42, 40
PLOT_AT, PLOT_IN = 3.1, 4.2


def statuses(facts: Facts, theme: Theme) -> Figure:
    """Shares of answers by status, one bar a system; only what is not readable is coloured."""
    if not any(one.known for one in facts.evidence):
        raise TooLittle(IMPORTED)
    shares, sides, rows = status_shares(facts)
    known = LOOKS | {"scorer_error": ("#56B4E9", "||"), "unanswered": (theme.ink, "")}
    looks = {name: look for name, look in known.items() if name in shares.columns and (shares[name] > 0).any()}
    if not looks:
        raise TooLittle("every answer of every system is there, complete and readable")
    shown = set(shares["ok"].nsmallest(MOST).index)
    by_name = {
        str(name): {str(k): float(v) for k, v in row.items()}
        for name, row in shares.to_dict("index").items()
        if name in shown
    }
    worst = min(by_name, key=lambda name: by_name[name]["ok"])
    most = max(looks, key=lambda status: by_name[worst][status])
    made = frame(
        facts,
        theme,
        title=f"{percent(1 - by_name[worst]['ok'])} of the answers of {facts.name(worst)} are not plain ones; most of these: {STATUS.get(most, most)}",
        subtitle=["Share of answers by how they came, all tasks and protocols together; unreadable, cut off, empty and refused ones count as not right"],
        foot=["Unanswered: the infrastructure failed; scorer failed: ours did. Such items are left out on both sides and counted as missing."
              + f" The {MOST} of {len(shares)} systems with the fewest plain answers." * (len(shares) > MOST)],
        alt=" ".join(
            f"{name}: " + ", ".join(f"{STATUS.get(status, status)} {percent(value)}" for status, value in row.items() if value > 0) + "."
            for name, row in by_name.items()
        ),
        body_in=HEAD_IN + ROW_IN * len(by_name) + AXIS_IN,
    )  # fmt: skip
    drawn = rows_of(made, len(by_name), left=PLOT_AT, width=PLOT_IN, step=ROW_IN, below=AXIS_IN)
    axes = drawn.axes
    limit = max(0.01, 1.08 * (1 - by_name[worst]["ok"]))
    axes.set_xlim(0, min(100.0, 100 * limit))
    for i, (name, row) in enumerate(by_name.items()):
        drawn.stack(i, {status: 100 * row[status] for status in looks}, looks, 0.62)
        y = drawn.middle(i)
        made.mark(EDGE_IN + 0.06, y, "open" if sides[name] else "closed", theme, 5.5)
        made.write(EDGE_IN + 0.2, y, fitted(facts.name(name), PLOT_AT - 0.55, 9.5), size=9.5, va="center_baseline")
        made.write(8.15, y, f"{percent(row['ok'])} ok", size=9, ha="right", va="center_baseline")
        made.write(9.38, y, f"{rows[name]:,} answers", size=9, color=theme.muted, ha="right", va="center_baseline")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    made.swatches(PLOT_AT, drawn.top + 0.15, looks, theme, 1.2 if len(looks) < 6 else 1.05)
    return made.figure


def status_shares(facts: Facts) -> tuple[pd.DataFrame, dict[str, bool], dict[str, int]]:
    """Share by system (closed first, most plain answers first) and status; whether each is open; rows of each."""
    rows = facts.answers[facts.answers["system"].isin({one.name for one in facts.evidence if one.known})]
    unplain = (rows["status"] == "ok") & rows["score_status"].isin(["unparsed", "scorer_error"])
    status = pd.Series(np.where(unplain, rows["score_status"], rows["status"]), index=rows.index)
    counts = pd.crosstab(rows["system"], status)
    if "ok" not in counts:
        counts["ok"] = 0
    shares = counts.div(counts.sum(axis=1), axis=0)
    sides = {str(name): bool(is_open) for name, is_open in rows.groupby("system")["open"].first().items()}
    order = sorted(shares.index, key=lambda name: (sides[name], -shares.loc[name, "ok"], name))
    return shares.loc[order], sides, {str(name): int(total) for name, total in counts.sum(axis=1).items()}
