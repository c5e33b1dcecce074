"""Small list functions to complete, for the bundled demo models."""

from harness import Code, task
from harness.demo import world


@task(
    dimension="coding",
    version=1,
    source="bundled:harness.demo.world",
    item=Code,
    licence="Apache-2.0",
    redistributable=True,
    n=240,
    max_tokens=96,
)
def demo_coding(rows):
    """240 functions over a list of whole numbers, in one to three steps."""
    for one in world.coding_items():
        yield Code(
            id=one.id,
            prompt=one.prompt,
            entry_point=one.entry_point,
            test=one.test,
            solution=one.solution,
            cpu_limit_s=5,
        )
