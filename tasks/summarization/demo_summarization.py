"""Bulletins of similar reports to summarize in one sentence, for the bundled demo models."""

from harness import Summary, task
from harness.demo import world


@task(
    dimension="summarization",
    version=1,
    source="bundled:harness.demo.world",
    item=Summary,
    licence="Apache-2.0",
    redistributable=True,
    n=240,
    max_tokens=64,
)
def demo_summarization(rows):
    """240 bulletins in which one report matters, ROUGE-L F1."""
    for one in world.summarization_items():
        yield Summary(id=one.id, text=one.text, reference=one.reference)
