"""GSM8K: grade-school mathematics in words, with one number as the answer (Cobbe et al. 2021)."""

from harness import Numeric, task


@task(
    dimension="reasoning",
    version=1,
    source="hf:openai/gsm8k/main",
    item=Numeric,
    licence="MIT",
    redistributable=True,
    n=1319,
)
def gsm8k(rows):
    """1,319 word problems of the test split; the number behind '####' is the answer."""
    for row in rows:
        yield Numeric(question=row["question"].strip(), answer=row["answer"].rpartition("####")[2].strip())
