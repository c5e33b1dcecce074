"""GPQA Diamond: graduate-level questions that skilled non-experts with web access mostly fail (Rein et al. 2023).

The set is gated and its authors ask that its text is not published; the example below is invented.
"""

from harness import Choice, task

EXAMPLE = {
    "Record ID": "invented-1",
    "Question": "A sealed jar holds three red beads and one blue bead. Two are drawn without putting any back. "
    "What is the probability that both are red?",
    "Correct Answer": "1/2",
    "Incorrect Answer 1": "9/16",
    "Incorrect Answer 2": "3/4",
    "Incorrect Answer 3": "1/4",
    "Subdomain": "Invented",
}


@task(
    dimension="reasoning",
    version=1,
    source="hf:Idavidrein/gpqa/gpqa_diamond",
    split="train",
    item=Choice,
    licence="CC-BY-4.0",
    redistributable=False,
    gated=True,
    n=198,
    max_tokens=8192,
    example=EXAMPLE,
)
def gpqa_diamond(rows):
    """198 four-option questions in biology, physics and chemistry, clustered by subdomain."""
    for row in rows:
        yield Choice(
            id=row["Record ID"],
            question=row["Question"].strip(),
            right=row["Correct Answer"].strip(),
            wrong=[row[f"Incorrect Answer {i}"].strip() for i in (1, 2, 3)],
            cluster=row["Subdomain"],
        )
