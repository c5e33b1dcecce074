"""Arbitrary tables end in an import, or in an error that says where; never in a traceback, never in other numbers."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import DataUnavailable, UsageError
from harness.exchange.assemble import Reading
from harness.exchange.evalplus import read_evalplus
from harness.exchange.every_eval_ever import read_every_eval_ever
from harness.exchange.helm import read_helm
from harness.exchange.inspect_logs import read_inspect
from harness.exchange.lm_eval import read_lm_eval
from harness.exchange.numbers import column
from harness.exchange.published import read_published_table
from harness.exchange.records import FORMATS, read_records
from harness.exchange.sealing import seal_all
from harness.exchange.swebench import read_swebench
from harness.exchange.tables import read_items
from harness.rows import read_rows

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(max_size=12)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
NAMES = st.sampled_from(
    [
        "model",
        "item_id",
        "score",
        "Model",
        "id",
        "acc",
        "open_weights",
        "repeat",
        "cluster_id",
        "cost_usd",
        "date",
        "task",
        "",
        "a",
        "error",
    ]
)
CELLS = st.one_of(
    st.sampled_from(["1", "0", "0,5", "1,000", "50%", "pass", "FALSE", "", "nan", "m", "i1", "-1", "1e400", "$3", "Total"]), TEXT
)  # fmt: skip


def as_csv(rows: list[list[str]], delimiter: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def imported(read: object, path: Path, **given_: object) -> Reading | None:
    """What a reader makes of a file; None: an error of ours."""
    try:
        reading: Reading = read(path, **given_)  # type: ignore[operator]
    except UsageError:
        return None
    for one in reading.found:
        assert all(answer.score is None or 0 <= answer.score <= 1 for answer in one.answers)
        assert any(answer.score is not None for answer in one.answers)
    with tempfile.TemporaryDirectory() as store:
        seal_all(Path(store), reading.found, kind="x", source=path)
    return reading


@QUICK
@given(st.lists(st.lists(CELLS, max_size=6), max_size=6), st.lists(NAMES, max_size=6), st.sampled_from(",;\t|"))
def test_any_cells(tmp_path: Path, rows: list[list[str]], names: list[str], delimiter: str) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(as_csv([names, *rows], delimiter))
    imported(read_items, path, benchmark="b", dimension="d", weights="open")


@QUICK
@given(
    st.binary(max_size=60), st.sampled_from(["r.csv", "r.tsv", "r.json", "r.jsonl", "r.parquet", "r.xlsx", "r.csv.gz"])
)
def test_any_bytes(tmp_path: Path, raw: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    imported(read_items, path, benchmark="b", dimension="d", weights="open")


@QUICK
@given(st.lists(st.dictionaries(NAMES, JSON, max_size=6), min_size=1, max_size=5))
def test_any_objects(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    path = tmp_path / "r.jsonl"
    path.write_bytes("".join(json.dumps(row) + "\n" for row in rows).encode())
    imported(read_items, path, benchmark="b", dimension="d", weights="open")
    with contextlib.suppress(UsageError):
        read_published_table(path, series="s", unit="percent", source="x", columns={})


FIELDS: dict[str, list[str]] = {
    "inspect": ["status", "eval", "samples", "results", "model", "task", "id", "epoch", "scores", "score", "value", "match", "output",
                "choices", "completion", "usage", "error", "limit", "target", "messages", "dataset", "config", "sample_ids"],
    "evalplus": ["eval", "HumanEval/0", "base_status", "plus_status", "status", "solution", "base", "plus"],
    "swebench": ["resolved_ids", "unresolved_ids", "submitted_ids", "error_ids", "total_instances", "resolved", "generated", "a__b-1"],
    "helm": ["instance_id", "train_trial_index", "stats", "name", "count", "sum", "mean", "exact_match", "perturbation"],
    "every-eval-ever": ["schema_version", "model_info", "evaluation_results", "name", "id", "evaluation_name", "metric_config", "score_details"],
    "records": ["question_id", "model", "score", "eval_status", "pred", "answer", "graded_list", "pass@1", "task_id", "passed", "details",
                "correct", "results", "testIdx", "provider", "label", "success", "failureReason", "response", "error", "0", "1"],
}  # fmt: skip


def documents(kind: str) -> st.SearchStrategy[object]:
    """JSON in which the fields of a format turn up where they may not."""
    leaves = st.one_of(SCALARS, st.sampled_from(["pass", "C", "I", "m", "x"]))
    keys = st.sampled_from(FIELDS[kind])
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=6), max_leaves=25
    )


@pytest.mark.parametrize("kind", FIELDS)
@QUICK
@given(data=st.data())
def test_any_document_of_another_tool(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data.draw(documents(kind))))
    if kind == "inspect":
        imported(read_inspect, path, dimension="d", weights="open", benchmark="b", model="m")
    elif kind == "evalplus":
        imported(read_evalplus, path, model="m", benchmark="b", tests="base", dimension="d", weights="open")
    elif kind == "swebench":
        imported(read_swebench, path, model="m", benchmark="b", dimension="d", weights="open")
    elif kind == "helm":
        imported(read_helm, path, model="m", benchmark="b", dimension="d", weights="open", metric="exact_match")
    elif kind == "every-eval-ever":
        path.with_name("r_samples.jsonl").write_text(json.dumps(data.draw(documents(kind))))
        imported(read_every_eval_ever, path, dimension="d", weights="open")
    else:
        for name in FORMATS:
            imported(read_records, path, format_name=name, benchmark="b", dimension="d", model="m", weights="open")


@QUICK
@given(data=st.data())
def test_any_samples_of_lm_eval(tmp_path: Path, data: st.DataObject) -> None:
    keys = st.sampled_from(
        [
            "doc_id",
            "doc",
            "target",
            "arguments",
            "resps",
            "filtered_resps",
            "filter",
            "metrics",
            "acc",
            "doc_hash",
            "id",
        ]
    )
    leaf = st.one_of(SCALARS, st.just("acc"), st.lists(st.just("acc"), max_size=2))
    rows = data.draw(
        st.lists(
            st.dictionaries(
                keys, leaf | st.dictionaries(keys, leaf, max_size=2) | st.lists(leaf, max_size=2), max_size=8
            ),
            max_size=4,
        )
    )
    (tmp_path / "results_2026-01-01T00-00-00.json").write_text(
        json.dumps({"results": {"t": {"acc,none": 0.5}}, "model_name": "m"})
    )
    (tmp_path / "samples_t_2026-01-01T00-00-00.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    imported(read_lm_eval, tmp_path, dimension="d", weights="open")


@QUICK
@given(st.lists(st.one_of(SCALARS, CELLS), max_size=6), st.booleans())
def test_numbers_come_out_of_the_text(values: list[object], words: bool) -> None:
    try:
        found, _ = column(values, lambda at: f"row {at}", "score", words=words)
    except DataUnavailable as error:
        said = str(error)
        assert "row" in said
        return
    assert len(found) == len(values)
    for value, number in zip(values, found, strict=True):
        if isinstance(value, str) and number is not None and value.strip().isascii() and value.strip().isdigit():
            assert number == float(value.strip())


@QUICK
@given(st.text(alphabet=string.printable, max_size=80), st.sampled_from(["r.csv", "r.jsonl", "r.json", "r.tsv"]))
def test_any_text_is_rows_or_an_error(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    try:
        rows = read_rows(path)
    except DataUnavailable as error:
        said = str(error)
        assert name in said
        return
    assert all(isinstance(row, dict) and all(isinstance(key, str) for key in row) for row in rows)
