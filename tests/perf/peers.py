"""The same items asked by other harnesses, each in an environment of its own below ``.bench/``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.perf.process import Usage, run

INSPECT = """
from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

@task
def sums():
    return Task(dataset=json_dataset({items!r}, FieldSpec(input="input", target="target")), solver=generate(), scorer=includes())
"""

LM_EVAL = """
task: sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {items!r}}}}}
test_split: test
output_type: generate_until
num_fewshot: 0
doc_to_text: "{{{{input}}}}"
doc_to_target: target
generation_kwargs: {{until: ["</s>"], do_sample: false, max_gen_toks: 64}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""


def environment(name: str, packages: list[str]) -> Path:
    """The interpreter of a virtual environment with these packages, made once."""
    folder = Path(".bench").resolve() / name
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / "ready").touch()
    return python


def inspect_ai(url: str, items: Path, work: Path, in_flight: int) -> Usage:
    """Inspect, with its defaults but for the number of connections and samples."""
    python = environment("inspect", ["inspect-ai", "openai"])
    (work / "sums.py").write_text(INSPECT.format(items=str(items)))
    command = [str(python.parent / "inspect"), "eval", "sums.py", "--model", "openai-api/fault/fault-1", "--display", "none",
               "--max-connections", str(in_flight), "--max-samples", str(in_flight), "--log-dir", "logs"]  # fmt: skip
    return run(command, {"FAULT_BASE_URL": f"{url}/v1", "FAULT_API_KEY": "none"}, work)


def lm_eval(url: str, items: Path, work: Path, in_flight: int) -> Usage:
    """lm-eval's chat-completions client."""
    python = environment("lm-eval", ["lm-eval[api]"])
    (work / "sums.yaml").write_text(LM_EVAL.format(items=str(items)))
    arguments = f"model=fault-1,base_url={url}/v1/chat/completions,num_concurrent={in_flight},max_retries=3,tokenized_requests=False"
    command = [str(python.parent / "lm-eval"), "run", "--model", "local-chat-completions", "--model_args", arguments,
               "--tasks", "sums", "--include_path", ".", "--apply_chat_template", "--output_path", "out", "--log_samples"]  # fmt: skip
    return run(command, {"OPENAI_API_KEY": "none", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}, work)


def write_items(path: Path, n: int) -> Path:
    """One-line questions, all different."""
    rows = ({"id": str(i), "input": f"case {i}: what is 2 + 2?", "target": "4"} for i in range(n))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
