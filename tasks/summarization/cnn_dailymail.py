"""CNN / Daily Mail: news articles with their editors' highlights as reference (Hermann et al. 2015, See et al. 2017).

The articles belong to their publishers: scores may be shown, texts stay on this machine.
"""

from harness import Summary, task


@task(
    dimension="summarization",
    version=1,
    source="hf:abisee/cnn_dailymail/3.0.0",
    item=Summary,
    redistributable=False,
    n=11490,
)
def cnn_dailymail(rows):
    """11,490 English articles of the test split, summarized in three sentences, ROUGE-L F1."""
    for row in rows:
        yield Summary(
            id=row["id"], text=row["article"].strip(), reference=row["highlights"].strip(), length="three sentences"
        )
