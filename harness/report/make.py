"""From a store to the files of its report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harness.errors import StoreError
from harness.report.facts import UNPAIRED, Facts, TooLittle
from harness.report.svg import Picture
from harness.store.layout import write_atomically

OTHERS = re.compile(
    r"samples/\d{4,}\.js|(gaps|gaps_by_task|scores|items|published)\.csv|report\.json|summary\.md|index\.html"
)
"""What a report consists of beside its charts; a file of an earlier report by such a name goes if this one does not write it."""


def folder_for(store: Path, out: str | None) -> Path:
    """Where the report goes. StoreError if the store's own folder is a link, which may lead anywhere."""
    folder = Path(out) if out else store / "report"
    if not out and folder.is_symlink():
        raise StoreError(f"{folder} is a link: give the folder that is meant by --out")
    return folder


def make(facts: Facts, out: Path, *, own_text: bool = False) -> list[Path]:
    """Write the report of a store, and remove what an earlier one left; returns the files.

    ``own_text`` shows questions of one's own files, and the answers to them, too. StoreError if ``out`` is not writable.
    """
    from harness.report.page import lies_beside, page
    from harness.report.samples import samples
    from harness.report.summary import summary
    from harness.report.tables import remember, tables

    files, pictures, left_out = draw(facts)
    found = samples(facts, own_text=own_text)
    memory = remember(facts, out / "report.json")
    files |= tables(facts)
    if lies_beside(found):
        files |= {
            f"samples/{number:04d}.js": f'opengapBlock({number},"{block}")\n'.encode()
            for number, block in enumerate(found.blocks)
        }
    files["report.json"] = msgspec.json.format(msgspec.json.encode(memory), indent=1)
    files["summary.md"] = summary(facts, memory, left_out).encode("utf-8", "replace")
    # The page comes last: whoever follows it finds everything that it points to.
    files["index.html"] = page(facts, pictures, left_out, found).encode("utf-8", "replace")
    try:
        out.mkdir(parents=True, exist_ok=True)
        beside = out / "samples"
        if beside.is_symlink():
            beside.unlink()
        if lies_beside(found):
            beside.mkdir(exist_ok=True)
        for path in _stale(out, files):
            path.unlink()
    except OSError as error:
        raise StoreError(f"cannot write the report to {out}: {error.strerror}; give --out a writable folder") from error
    for name, content in files.items():
        write_atomically(out / name, content)
    return [out / name for name in ("index.html", *(name for name in files if name != "index.html"))]


def _stale(out: Path, files: dict[str, bytes]) -> Iterator[Path]:
    """What an earlier report wrote and this one does not."""
    from harness.report.charts import charts

    drawn = re.compile(f"({'|'.join(chart.name for chart in charts())})(-dark)?\\.(png|svg)")
    for path in [*out.iterdir(), *(out / "samples").glob("*")]:
        name = path.relative_to(out).as_posix()
        if (
            name not in files
            and (drawn.fullmatch(name) or OTHERS.fullmatch(name))
            and (path.is_file() or path.is_symlink())
        ):
            yield path


def draw(facts: Facts) -> tuple[dict[str, bytes], list[Picture], dict[str, str]]:
    """Every chart in every theme: all files, the pictures, and why others are left out (reason by question)."""
    from harness.report.charts import charts
    from harness.report.style import LIGHT, THEMES, render, settings

    files: dict[str, bytes] = {}
    pictures: list[Picture] = []
    left_out: dict[str, str] = {}
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
                files |= render(figure, chart.name, theme, files)
            if theme is LIGHT:
                title, _, words = str(figure.get_label()).partition("\n")
                pictures.append(Picture(chart.name, chart.question, files[f"{chart.name}.svg"].decode(), title, words))
    return files, pictures, left_out
