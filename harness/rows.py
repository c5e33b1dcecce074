"""Rows of a table file, whatever it is called and however it is written: the one table reader of the house.

What a file is shows in its content, its name only helps: Parquet, Excel, a JSON document, JSON objects one after the
other (one a line, several a line, spread over lines), or cells between commas, semicolons, tabs or bars. Compressed
files are unpacked; text may be UTF-8, UTF-16 or UTF-32, with a byte order mark or without, or Windows-1252 (Latin-1).
"""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import DataUnavailable

PLAIN = (".jsonl", ".json", ".csv", ".parquet", ".ndjson", ".tsv", ".tab", ".txt", ".pq", ".xlsx", ".xls", ".ods")
PACKED = (".gz", ".bz2", ".xz", ".zst")
ENDINGS = (*PLAIN, *(plain + packed for plain in PLAIN[:8] for packed in PACKED))
"""Endings of the files that hold rows, in the order in which they are looked for."""


def _zstd(raw: bytes) -> bytes:
    import pyarrow as pa

    with pa.input_stream(pa.BufferReader(raw), compression="zstd") as stream:
        found: bytes = stream.read()
    return found


UNPACK: Mapping[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
    b"\x28\xb5\x2f\xfd": _zstd,
}
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
DELIMITERS = (",", ";", "\t", "|")
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\xad"
INDEX = re.compile(r"(Unnamed: \d+(_level_\d+)?)?")
"""Names of columns that have none: nothing, or what pandas writes in the place of nothing."""
HOLDERS = ("data", "rows", "examples", "records", "items", "samples", "predictions", "instances", "results")
"""Keys of a JSON document under which its rows lie."""
UNREADABLE = (ValueError, RecursionError, EOFError, OSError, csv.Error, zlib.error, lzma.LZMAError)
"""What the libraries raise on damaged files; Arrow's errors are ValueErrors or OSErrors."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the place where each stands, and what a reader of the numbers should know of the file."""

    name: str
    rows: list[dict[str, Any]]
    lines: Sequence[int] = ()
    """The line on which each row ends, counted from 1; empty where the format has no lines."""
    notes: list[str] = field(default_factory=list)

    def place(self, at: int) -> str:
        """Where the row with that index stands, for a message."""
        line = f" (line {self.lines[at]})" if self.lines else ""
        return f"{self.name}, row {at + 1}{line}"

    @property
    def columns(self) -> list[str]:
        """Every column that some row has, in the order in which they come up."""
        return list(dict.fromkeys(key for row in self.rows for key in row))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows alone. Raises as :func:`read_table`."""
    return read_table(path).rows


def read_table(path: Path) -> Table:
    """All rows of a file. DataUnavailable names the line (and column, where there is one) that cannot be read."""
    try:
        return _read(path)
    except DataUnavailable:
        raise
    except UNREADABLE as error:
        raise DataUnavailable(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def _read(path: Path) -> Table:
    raw = path.read_bytes()
    for magic, unpack in UNPACK.items():
        if raw.startswith(magic):
            raw = unpack(raw)
            break
    if raw.startswith(b"PAR1"):
        import pyarrow.parquet as pq

        return Table(path.name, pq.read_table(io.BytesIO(raw)).to_pylist())
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _workbook(path, raw)
    text, notes = _decode(raw, path)
    if not text.strip():
        return Table(path.name, [], notes=notes)
    if text.lstrip()[0] in "[{":
        rows, lines = _json(text, path)
        return Table(path.name, rows, lines, notes)
    if text.lstrip()[0] == "<" or _named(path, ".parquet", ".pq"):
        raise DataUnavailable(f"{path} is no table of a kind that is read: expected one of {', '.join(PLAIN)}")
    if _named(path, ".json", ".jsonl", ".ndjson"):
        line, first = next((n, one) for n, one in enumerate(text.split("\n"), start=1) if one.strip())
        raise _fault(path, line, len(first) - len(first.lstrip()) + 1, "Expecting value")
    return _cells(text, path, notes)


def _named(path: Path, *endings: str) -> bool:
    """Whether the file is called so, packed or not."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return name.endswith(endings)


def _workbook(path: Path, raw: bytes) -> Table:
    """The first sheet that holds rows of an Excel or OpenDocument workbook."""
    import pandas as pd

    advice = f"save the sheet as .csv and give that file ({path.name} is an Excel or OpenDocument workbook)"
    try:
        sheets = pd.read_excel(io.BytesIO(raw), sheet_name=None, dtype=object, keep_default_na=False, na_values=[""])
    except ImportError as error:
        raise DataUnavailable(f"{advice}, or install what reads it: pip install openpyxl ({error})") from error
    except (*UNREADABLE, KeyError, TypeError, AttributeError, IndexError, SyntaxError, zipfile.BadZipFile) as error:
        raise DataUnavailable(f"{path} cannot be read: {error}; {advice}") from error
    filled = {str(name): sheet for name, sheet in sheets.items() if len(sheet)}
    if not filled:
        return Table(path.name, [])
    (first, sheet), *others = filled.items()
    notes = [f"the rows are those of the sheet {first!r}; {', '.join(n for n, _ in others)} not read"] if others else []
    header = _header([str(name) for name in sheet.columns], path, 1)
    filled_cells = sheet.astype(object).where(sheet.notna(), None).itertuples(index=False, name=None)
    rows = [
        {name: cell for name, cell in zip(header, cells, strict=True) if name is not None}
        for cells in filled_cells
        if any(cell is not None for cell in cells)
    ]
    return Table(path.name, rows, notes=notes)


def _decode(raw: bytes, path: Path) -> tuple[str, list[str]]:
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return _strictly(raw, encoding, path), []
    head = raw[:4096]
    if head.count(0) > len(head) // 5:
        # Text of mostly Latin letters: the half of its bytes that is zero says in which order they stand.
        little = head[1::2].count(0) > head[::2].count(0)
        return _strictly(raw, "utf-16-le" if little else "utf-16-be", path), []
    try:
        return raw.decode("utf-8"), []
    except UnicodeDecodeError as error:
        fault = error
    try:
        text = raw.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    # In Western languages two or three accented letters stand together at most.
    if not text or re.search(r"[^\x00-\x7f]{4}", text):
        line = raw[: fault.start].count(b"\n") + 1
        raise DataUnavailable(f"{path}, line {line} is neither UTF-8 nor UTF-16 nor Latin-1: save the file as UTF-8")
    return text, ["the file is not UTF-8 and was read as Windows-1252 (Latin-1)"]


def _strictly(raw: bytes, encoding: str, path: Path) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataUnavailable(f"{path} is not valid {encoding.upper()} from byte {error.start} on") from error


# JSON


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise DataUnavailable(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_pairs)
BLANK = re.compile(r"\s*")


def _json(text: str, path: Path) -> tuple[list[dict[str, Any]], list[int]]:
    text = text.lstrip("\ufeff")
    if text.lstrip().startswith("["):
        try:
            document = DECODER.decode(text)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise _fault(path, error.lineno, error.colno, error.msg) from error
        except DataUnavailable as error:
            raise DataUnavailable(f"{path}: {error}") from error
        else:
            if not document and _named(path, ".jsonl", ".ndjson"):
                raise DataUnavailable(f"{path}, line 1: expected an object, not an empty list")
            return _shaped(document, path), []
    found, lines = [], []
    for value, line in _values(text, path):
        found.append(value)
        lines.append(line)
    if len(found) == 1 and not _named(path, ".jsonl", ".ndjson"):
        return _shaped(found[0], path), []
    for row, line in zip(found, lines, strict=True):
        if not isinstance(row, dict):
            raise DataUnavailable(f"{path}, line {line}: expected an object, not {str(row)[:40]!r}")
    return found, lines


def _values(text: str, path: Path) -> Iterator[tuple[Any, int]]:
    """JSON values one after the other and the line each begins on: one a line is the common case."""
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if not stripped:
            continue
        try:
            yield DECODER.decode(stripped), number
        except DataUnavailable as error:
            raise DataUnavailable(f"{path}, line {number}: {error}") from error
        except (ValueError, RecursionError):
            break
    else:
        return
    rest, first, at = "\n".join(lines[number - 1 :]), number, 0
    while (start := BLANK.match(rest, at).end()) < len(rest):  # type: ignore[union-attr]  # it matches nothing as well
        number += rest.count("\n", at, start)
        try:
            value, at = DECODER.raw_decode(rest, start)
        except json.JSONDecodeError as error:
            raise _fault(path, first + error.lineno - 1, error.colno, error.msg) from error
        except (DataUnavailable, ValueError, RecursionError) as error:
            raise DataUnavailable(f"{path}, line {number}: {error}") from error
        yield value, number
        number += rest.count("\n", start, at)


def _fault(path: Path, line: int, column: int, message: str) -> DataUnavailable:
    return DataUnavailable(f"{path}, line {line}: not valid JSON ({message} at column {column})")


def _shaped(document: Any, path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON document: a list of objects, or what pandas and others write in its place."""
    if isinstance(document, dict):
        document = _held(document)
    if isinstance(document, list) and len(document) > 1 and all(isinstance(row, list) for row in document):
        header = _header([str(name) for name in document[0]], path, 1)
        document = [dict(zip(header, row, strict=False)) for row in document[1:]]
    if not isinstance(document, list):
        raise DataUnavailable(f"{path}: expected a list of rows (objects), in a file of rows")
    for number, row in enumerate(document, start=1):
        if not isinstance(row, dict):
            raise DataUnavailable(f"{path}, row {number}: expected an object, not {str(row)[:40]!r}")
    return document


def _held(document: dict[str, Any]) -> Any:
    names, values = document.get("columns"), document.get("data")
    if isinstance(names, list) and isinstance(values, list) and all(isinstance(row, list) for row in values):
        return [names, *values]
    for key in HOLDERS:
        inner = document.get(key)
        if isinstance(inner, list) and inner and all(isinstance(row, dict) for row in inner):
            return inner
    parts = list(document.values())
    if not parts:
        return None
    if all(isinstance(part, list) for part in parts) and len({len(part) for part in parts}) == 1:
        return [dict(zip(document, cells, strict=True)) for cells in zip(*parts, strict=True)]
    if all(isinstance(part, dict) for part in parts):
        inner_keys = [list(part) for part in parts]
        if all(keys == inner_keys[0] and all(key.isdigit() for key in keys) for keys in inner_keys):
            return [{name: part[at] for name, part in document.items()} for at in inner_keys[0]]
        if all(key.isdigit() for key in document):
            return parts
    return [document] if not any(isinstance(part, list | dict) for part in parts) else None


# Cells between delimiters


def _cells(text: str, path: Path, notes: list[str]) -> Table:
    csv.field_size_limit(1 << 30)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    told = re.match(r'\s*"?sep=(.)"?\r?\n', text)
    body = text[told.end() :] if told else text
    skipped = text[: told.end()].count("\n") if told else 0
    delimiter = told.group(1) if told else _delimiter(body, path)
    try:
        found = list(_split(body, delimiter, csv.QUOTE_MINIMAL, path, skipped))
    except DataUnavailable:
        if delimiter != "\t":
            raise
        found = list(_split(body, delimiter, csv.QUOTE_NONE, path, skipped))
    if not found:
        return Table(path.name, [], notes=notes)
    while len(found) > 1 and _filled(found[0][1]) == 1 and _filled(found[1][1]) > 2:
        notes = [
            *notes,
            f"line {found[0][0]} stands before the header and is not read: {' '.join(found[0][1]).strip()[:60]!r}",
        ]
        del found[0]
    (line, names), *rest = found
    header = _header(names, path, line)
    width, rows, lines, again = len(header), [], [], 0
    plain = None not in header
    for line, given in rest:
        cells = given if len(given) == width else _fitted(given, width, f"{path}, line {line}", delimiter)
        if cells == names:
            again += 1
            continue
        if plain:
            rows.append(dict(zip(header, cells, strict=True)))
        else:
            rows.append({name: cell for name, cell in zip(header, cells, strict=True) if name is not None})
        lines.append(line)
    if again:
        notes = [*notes, f"{again} lines repeat the header and are no rows"]
    return Table(path.name, rows, lines, notes)  # type: ignore[arg-type]  # no None is left among the names


def _split(text: str, delimiter: str, quoting: Any, path: Path, skipped: int) -> Iterator[tuple[int, list[Any]]]:
    """Lines that hold something, with their number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    try:
        for cells in reader:
            if any(cell and not cell.isspace() for cell in cells):
                yield reader.line_num + skipped, cells
    except csv.Error as error:
        raise DataUnavailable(f"{path}, line {reader.line_num + skipped}: {error}") from error


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _delimiter(text: str, path: Path) -> str:
    """The one that cuts the first lines into the most cells, the same number in each."""
    head = "\n".join(text.lstrip().split("\n", 40)[:40])

    def widths(delimiter: str) -> list[int]:
        try:
            return [len(cells) for _, cells in _split(head, delimiter, csv.QUOTE_MINIMAL, path, 0)][:20]
        except DataUnavailable:
            return [len(line.split(delimiter)) for line in head.split("\n")[:20] if line.strip()]

    def fit(delimiter: str) -> tuple[bool, int, int]:
        found = widths(delimiter) or [0]
        width, count = Counter(found).most_common(1)[0]
        return width > 1 and count == len(found), count if width > 1 else 0, width

    ordered = sorted(DELIMITERS, key=lambda one: not (one == "\t" and _named(path, ".tsv", ".tab")))
    return max(ordered, key=fit)


def _header(names: Sequence[Any], path: Path, line: int) -> list[str | None]:
    """Names without what cannot be seen; None for a column without a name. DataUnavailable if one stands twice."""
    cleaned = [str(name).strip(INVISIBLE + " \t\r\n\xa0") for name in names]
    for name in cleaned:
        if name and cleaned.count(name) > 1:
            at = [number for number, one in enumerate(cleaned, start=1) if one == name]
            raise DataUnavailable(
                f"{path}, line {line}: the column {name!r} stands there more than once (columns {', '.join(map(str, at))}): "
                "rename one of them or take it out"
            )
    return [None if INDEX.fullmatch(name) else name for name in cleaned]


def _fitted(cells: list[Any], width: int, where: str, delimiter: str) -> list[Any]:
    """As many cells as the header has: what is missing at the end is None, what is empty beyond it is cut off."""
    if any(cell.strip() for cell in cells[width:]):
        raise DataUnavailable(
            f"{where}: more cells than the header has columns ({len(cells)}, {width}): is there a {delimiter!r} in a text "
            "without quotation marks, or a decimal comma?"
        )
    return [*cells[:width], *[None] * (width - len(cells))]


def flat(row: Mapping[str, Any], path: str) -> Any:
    """The value of ``a`` or, inside of nested objects and lists, of ``a.b`` and ``a.0``; None where there is none."""
    if path in row:
        return row[path]
    value: Any = row
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def text_of(value: Any) -> str | None:
    """Text, or the text of a list of parts as the chat protocols write messages; None for anything else."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    parts = [
        one
        if isinstance(one, str)
        else one.get("text")
        if isinstance(one, dict) and str(one.get("type", "text")).endswith("text")
        else None
        for one in value
    ]
    return "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else None


def nested(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The dotted names of what lies inside of objects in these rows, for a message."""
    return list(
        dict.fromkeys(
            f"{key}.{inner}"
            for row in rows
            for key, value in row.items()
            if isinstance(value, Mapping)
            for inner in value
        )
    )
