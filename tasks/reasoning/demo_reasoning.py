"""Questions over a small synthetic world, for the bundled demo models."""

from harness import Choice, task
from harness.demo import world


@task(
    dimension="reasoning",
    version=1,
    source="bundled:harness.demo.world",
    item=Choice,
    licence="Apache-2.0",
    redistributable=True,
    n=240,
    max_tokens=64,
)
def demo_reasoning(rows):
    """240 four-option questions: facts about invented people, one or two hops away, their ages, and sums."""
    for one in world.reasoning_items():
        yield Choice(id=one.id, question=one.question, right=one.right, wrong=one.wrong)
