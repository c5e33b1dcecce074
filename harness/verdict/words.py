"""Reasons in words: the one place where they are, for the terminal, the page and files alike. Nobody decides by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from harness import answered
from harness.answered import DoubtKind
from harness.text import percent, points, span
from harness.types import Reason, ReasonKind

Facts = Mapping[str, Any]
WIDTHS = {
    "one_item": "there is one item",
    "all_equal": "all differences are equal",
    "clusters_alike": "all clusters differ alike, so the interval has no width",
    "resamples": "no resample differs",
}
ENDS = {
    "lead": ": too few for the verdict that the interval would give",
    "margin": ", and they would exceed the margin",
    "named": ": the two named by themselves are not decided",
    "unseen": ": the lead holds for such clusters as were seen",
}
"""What a doubt is held against."""
WAYS = {
    "shared": "equally good candidates: had they shared the choice, instead of the first name, the verdict would be another",
    "plug_in": "a side with many close candidates loses by choosing on half of the items: with each side's best on all of "
    "them, {points} points apart, the verdict would be another",
}


def text(reason: Reason) -> str:
    """One reason in one line, behind the name of its task where that is told."""
    task = reason.facts.get("task")
    line = WORDS[reason.kind](reason.facts) + ENDS.get(reason.facts.get("against", ""), "")
    return f"{task}: {line}" if task else line


def texts(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Each line once, in order."""
    return tuple(dict.fromkeys(map(text, reasons)))


def _first(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _among(of: Facts) -> str:
    return f"{of['n']} items with graded scores" if "n" in of else f"{of['g_eff']:.0f} effective clusters"


def _few_items(of: Facts) -> str:
    if "against" in of:
        return f"{of['n']} items"
    return f"only {of['n']} items" + (": bootstrap-t" if of["bootstrap_t"] else ", too alike for a bootstrap-t")


def _few_clusters(of: Facts) -> str:
    if "against" in of:
        return f"effectively {of['g_eff']:.1f} clusters"
    if of["g_eff"] < 2 and of["interval"] == "items":
        return f"fewer than two effective clusters ({of['g_eff']:.1f}): the interval takes items as independent"
    how = "the wider of paired t and CR1" if of["interval"] == "wider" else "the interval is rough"
    return f"few clusters (effective number {of['g_eff']:.1f}): {how}"


def _missing(of: Facts) -> str:
    if "system" in of:
        return f"{of['system']} lacks {percent(of['share'])} of its answers (limit 2 %): nothing is decided"
    return f"{percent(of['share'])} of the answers are missing on the {of['side']} side (limit 2 %)"


def _at_worst(of: Facts) -> str:
    return (
        f"with the missing answers at their worst the gap is {points(of['gap_low'], sign=True)} to "
        f"{points(of['gap_high'], sign=True)}, its interval {span(of['low'], of['high'])}"
        + (", which would change the verdict" if of["changes"] else "")
    )


def _unknown(of: Facts) -> str:
    if "systems" in of:
        return f"protocol and decoding unknown ({_first(of['systems'])})"
    said = f"protocol, decoding and scorer unknown ({', '.join(of['provenance'])})"
    return said + (
        "" if of["statuses"] else "; refused, cut off and unparsed answers are not told apart from wrong ones"
    )


def _variants(of: Facts) -> str:
    what = "may by their names be variants of one model" if of["by_name"] else "are variants of one model"
    return f"{len(of['systems'])} candidates {what} ({of['model']}): {_first(of['systems'])}"


def _not_alike(of: Facts) -> str:
    own = [
        f"{name} ({f'{points(score)} on its own {n} items' if n else 'nothing answered'})"
        for name, (score, n) in of["systems"].items()
    ]
    return f"left out, since version or items differ from the others': {', '.join(own)}"


def _answered(of: Facts) -> Callable[[DoubtKind], str]:
    return lambda kind: answered.line(answered.Doubt(kind, of["rows"]), of["system"], of["asked"])


WORDS: Mapping[ReasonKind, Callable[[Facts], str]] = {
    "another_model": lambda of: _answered(of)("another_model"),
    "several_models": lambda of: _answered(of)("several_models"),
    "several_fingerprints": lambda of: _answered(of)("several_fingerprints"),
    "few_discordant": lambda of: f"{of['differ']} of {of['of']} {of['unit']} differ",
    "rare_failures": lambda of: f"among {_among(of)} failures as frequent as {percent(of['share'])} can go unseen",
    "skewed": lambda of: f"{of['n']} items with graded scores, spread unevenly",
    "clusters_disagree": lambda of: f"{of['clusters']} clusters with a wild-cluster p of {of['p']:.3f}",
    "too_few_clusters": lambda of: (
        f"effectively {of['g_eff']:.1f} clusters, so whether they agree cannot be judged: nothing is decided"
    ),
    "no_width": lambda of: f"{WIDTHS[of['cause']]}: nothing is decided",
    "choice_of_best": lambda of: WAYS[of["way"]].format(points=points(of.get("points"), sign=True)),
    "missing": _missing,
    "missing_at_worst": _at_worst,
    "candidate_left_out": lambda of: (
        f"a candidate left out for missing answers could have {points(of['possible'])}, above the best here: undecided"
    ),
    "few_items": _few_items,
    "few_clusters": _few_clusters,
    "ahead_within_margin": lambda of: f"{of['side']} is ahead, by less than the margin of {of['margin']:g} points",
    "items_by_task": lambda of: "items by task: " + ", ".join(f"{task} {n}" for task, n in of["items"].items()),
    "items_left_out": lambda of: (
        f"left out, since not every candidate answered them: {of['left']} of {of['of']} items"
    ),
    "not_candidate": lambda of: (
        f"{of['system']} is no candidate: {percent(of['share'])} of its answers are missing (limit 2 %)"
    ),
    "variants": _variants,
    "not_all_tasks": lambda of: (
        f"{of['row']}: left out, since not all of {', '.join(of['tasks'])} were asked: {', '.join(of['systems'])}"
        + ("" if of["by_task"] else " (see --by-task)")
    ),
    "not_alike": _not_alike,
    "forced": lambda of: f"FORCED {of['of']}: {of['difference']}",
    "chosen_on_these_items": lambda of: (
        "the two were chosen on these same items, so the luck of the best is in their gap"
    ),
    "protocol_unknown": _unknown,
    "ceiling": lambda of: f"{of['of']} is at its ceiling (both above 95 %): it can hardly tell the two apart any more",
    "floor": lambda of: f"{of['of']} is at its floor (both below 5 %): it can hardly tell the two apart yet",
    "plumbing": lambda of: f"{points(of['points'], sign=True)} points of the gap come from {of['part']} answers, not from wrong ones",
    "missing_unequally": lambda of: (
        f"the sides do not lack alike: {of['closed']} items closed, {of['open']} open"
    ),
    "smaller_than_before": lambda of: (
        f"{of['system']} on {of['of']}: its latest run counts, with {of['items']} items; {of['run']} had {of['before']}"
    ),
    "older_than_cutoff": lambda of: (
        f"{of['older']} of {of['of']} items were public before the cutoff of {of['system']} ({of['cutoff']})"
    ),
    "shared_items": lambda of: (
        f"{of['first']} and {of['second']} share {of['items']} item ids; if these are the same items the interval is too "
        "narrow, since tasks count as independent"
    ),
    "level_changed": lambda of: (
        f"{of['system']} counts as {of['level']}, as when it was run; the catalogue now says {of['today']}"
    ),
}  # fmt: skip
