"""The table reader: the same two rows however they are written, and what is refused by line."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import DataUnavailable
from harness.rows import read_rows, read_table

ROWS = [{"model": "m", "item_id": "i1", "score": "1"}, {"model": "m é", "item_id": "i2", "score": "0"}]
CSV = "model,item_id,score\nm,i1,1\nm é,i2,0\n"
NDJSON = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


def zst(raw: bytes) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(raw, asbytes=True)
    return packed


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", CSV),
        ("r.csv", CSV.replace("\n", "\r\n")),
        ("r.csv", CSV.replace("\n", "\r")),
        ("r.csv", CSV.encode("utf-8-sig")),
        ("r.csv", CSV.encode("utf-16")),
        ("r.csv", CSV.encode("utf-16-le")),
        ("r.csv", CSV.encode("utf-16-be")),
        ("r.csv", CSV.encode("utf-32")),
        ("r.csv", CSV.encode("latin-1")),
        ("r.csv", CSV.replace(",", ";")),
        ("r.csv", "sep=;\n" + CSV.replace(",", ";")),
        ("r.txt", CSV.replace(",", "|")),
        ("r.tsv", CSV.replace(",", "\t")),
        ("r.csv", CSV.replace(",", "\t")),
        ("r.csv", "\n" + CSV.replace("\n", "\n\n")),
        ("r.csv", "All runs\n" + CSV),
        ("r.csv", CSV + "model,item_id,score\n"),
        ("r.csv", ",model,item_id,score\n0,m,i1,1\n1,m é,i2,0\n"),
        ("r.csv", "Unnamed: 0,model,item_id,score\n0,m,i1,1\n1,m é,i2,0\n"),
        ("r.csv", " model ,\ufeffitem_id,score,\nm,i1,1,\nm é,i2,0,\n"),
        ("r.csv.gz", gzip.compress(CSV.encode())),
        ("r.csv.bz2", bz2.compress(CSV.encode())),
        ("r.csv.xz", lzma.compress(CSV.encode())),
        ("r.csv.zst", zst(CSV.encode())),
        ("r.csv", gzip.compress(CSV.encode())),
        ("r.jsonl", NDJSON),
        ("r.ndjson", NDJSON.replace("\n", "\r\n")),
        ("r.json", NDJSON),
        ("r.jsonl", NDJSON.replace("\n", "")),
        ("r.jsonl", NDJSON.replace(", ", ",\n")),
        ("r.jsonl", json.dumps(ROWS, indent=1)),
        ("r.json", json.dumps(ROWS)),
        ("r.json", json.dumps({"rows": ROWS, "n": 2})),
        ("r.json", json.dumps(COLUMNS)),
        ("r.json", json.dumps({name: dict(enumerate(cells)) for name, cells in COLUMNS.items()})),
        ("r.json", json.dumps({"columns": list(COLUMNS), "index": [0, 1], "data": [list(row.values()) for row in ROWS]})),
        ("r.json", json.dumps([list(COLUMNS), *(list(row.values()) for row in ROWS)])),
    ],
)  # fmt: skip
def test_two_rows_are_read_however_they_are_written(tmp_path: Path, name: str, content: bytes | str) -> None:
    assert read_rows(written(tmp_path / name, content)) == ROWS


def test_parquet_by_its_content(tmp_path: Path) -> None:
    pq.write_table(pa.table(COLUMNS), tmp_path / "r.bin")
    assert read_rows(tmp_path / "r.bin") == ROWS


def test_a_workbook_is_read_or_the_way_out_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    try:
        import openpyxl  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        path.write_bytes(b"PK\x03\x04 whatever")
        with pytest.raises(DataUnavailable, match=r"save the sheet as \.csv"):
            read_rows(path)
        return
    book = openpyxl.Workbook()
    for row in (list(COLUMNS), *(list(row.values()) for row in ROWS)):
        book.active.append(row)
    book.save(path)
    assert read_rows(path) == ROWS


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("r.csv", "a,b\n1,2\n1,2,3\n", "line 3: more cells than the header"),
        ("r.csv", "a,b,a\n1,2,3\n", r"line 1: the column 'a' stands there more than once \(columns 1, 3\)"),
        ("r.csv", 'a,b\n1,"2\n3,4\n', "line 3: unexpected end of data"),
        ("r.csv", "a,b\nモデル一号機,1\n".encode("shift-jis"), "line 2 is neither UTF-8"),
        ("r.jsonl", '{"a": 1}\n{"a": }\n', "line 2: not valid JSON .* at column 7"),
        ("r.jsonl", '{"a": 1}\n{"a": 1', "line 2: not valid JSON"),
        ("r.jsonl", '{"a": 1}\n\n{"a": 1}{"a" 2}\n', "line 3: not valid JSON .* at column 14"),
        ("r.jsonl", '{"a": 1}\n[1]\n', "line 2: expected an object"),
        ("r.jsonl", '{"a": 1, "a": 2}\n', "line 1: the key 'a' stands twice"),
        ("r.jsonl", "a,b\n1,2\n", "line 1: not valid JSON"),
        ("r.json", "[1, 2]", "row 1: expected an object"),
        ("r.json", '{"accuracy": 75, "details": {"0": {"pred": "A"}}}', "expected a list of rows"),
        ("r.parquet", "a,b\n1,2\n", "no table of a kind"),
        ("r.csv", "<html></html>", "no table of a kind"),
        ("r.csv.gz", b"\x1f\x8b\x08", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_line(tmp_path: Path, name: str, content: bytes | str, says: str) -> None:
    with pytest.raises(DataUnavailable, match=says):
        read_rows(written(tmp_path / name, content))


def test_what_was_taken_for_granted_is_said(tmp_path: Path) -> None:
    table = read_table(written(tmp_path / "r.csv", ("My runs\n" + CSV + "model,item_id,score\n").encode("latin-1")))
    assert [note.split(" ")[0:3] for note in table.notes] == [
        ["the", "file", "is"], ["line", "1", "stands"], ["1", "lines", "repeat"],
    ]  # fmt: skip
    assert table.place(1) == "r.csv, row 2 (line 4)"
