"""HumanEval: functions to complete from their docstrings, judged by unit tests (Chen et al. 2021)."""

from harness import Code, task


@task(
    dimension="coding",
    version=1,
    source="hf:openai/openai_humaneval",
    item=Code,
    licence="MIT",
    redistributable=True,
    n=164,
)
def humaneval(rows):
    """164 Python functions, pass@1."""
    for row in rows:
        yield Code(
            id=row["task_id"],
            prompt=row["prompt"],
            entry_point=row["entry_point"],
            test=row["test"],
            solution=row["canonical_solution"],
        )
