"""From a store to the files of its report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import StoreError
from harness.report.facts import UNPAIRED, Facts, TooLittle
from harness.store.layout import write_atomically


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn chart: where its light SVG lies, and its text for those who cannot see it."""

    name: str
    question: str
    svg: Path
    alt: str


def make(facts: Facts, out: Path) -> list[Path]:
    """Write the report of a store that holds a gap or published scores; returns the files. StoreError if ``out`` is not writable."""
    from harness.report.page import lies_beside, page
    from harness.report.samples import samples
    from harness.report.summary import summary
    from harness.report.tables import remember, tables

    try:
        out.mkdir(parents=True, exist_ok=True)
        pictures, left_out, drawn = draw(facts, out)
    except OSError as error:
        raise StoreError(f"cannot write the report to {out}: {error.strerror}; give --out a writable folder") from error
    found = samples(facts)
    memory = remember(facts, out / "report.json")
    files = tables(facts)
    if lies_beside(found):
        (out / "samples").mkdir(exist_ok=True)
        files |= {f"samples/{number:04d}.js": f'opengapBlock({number},"{block}")\n'.encode() for number, block in enumerate(found.blocks)}
    files["report.json"] = msgspec.json.format(msgspec.json.encode(memory), indent=1)
    files["summary.md"] = summary(facts, memory, left_out).encode("utf-8", "replace")
    # The page comes last: whoever follows it finds everything that it points to.
    files["index.html"] = page(facts, pictures, left_out, found).encode("utf-8", "replace")
    for name, content in files.items():
        write_atomically(out / name, content)
    return [out / "index.html", *drawn, *(out / name for name in files if name != "index.html")]


def draw(facts: Facts, out: Path) -> tuple[list[Picture], dict[str, str], list[Path]]:
    """Draw every chart in every theme: the pictures, why others are left out (reason by question), and all files."""
    from harness.report.charts import charts
    from harness.report.style import LIGHT, THEMES, save, settings

    pictures: list[Picture] = []
    left_out: dict[str, str] = {}
    paths: list[Path] = []
    for chart in charts():
        for theme in THEMES:
            with settings(theme):
                try:
                    if chart.paired and not facts.rows:
                        raise TooLittle(UNPAIRED)
                    figure = chart.draw(facts, theme)
                except TooLittle as reason:
                    left_out[chart.question] = str(reason)
                    break
                written = save(figure, out, chart.name, theme)
            paths += written
            if theme is LIGHT:
                pictures.append(Picture(chart.name, chart.question, written[1], str(figure.get_label())))
    return pictures, left_out, paths


def by_reason(left_out: dict[str, str]) -> dict[str, str]:
    """Reason -> the questions that stay open for it, in one line."""
    found: dict[str, list[str]] = {}
    for question, reason in left_out.items():
        found.setdefault(reason, []).append(question)
    return {reason: " ".join(questions) for reason, questions in found.items()}
