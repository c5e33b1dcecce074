"""OpenGap: how far apart open-weight and closed language models are on the same items, asked the same way.

The names below are a facade; each room is imported when one of its names is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Choice": "harness.questions",
    "Code": "harness.questions",
    "Numeric": "harness.questions",
    "Summary": "harness.questions",
    "Text": "harness.questions",
    "task": "harness.registry",
    "Store": "harness.verdict.store",
    "evaluate": "harness.asking.evaluate",
    "plot": "harness.report.plot",
    "OpenGapError": "harness.errors",
}

__all__ = [
    "Choice",
    "Code",
    "Numeric",
    "OpenGapError",
    "Store",
    "Summary",
    "Text",
    "__version__",
    "evaluate",
    "plot",
    "task",
]

if TYPE_CHECKING:
    from harness.asking.evaluate import evaluate as evaluate
    from harness.errors import OpenGapError as OpenGapError
    from harness.questions import Choice as Choice
    from harness.questions import Code as Code
    from harness.questions import Numeric as Numeric
    from harness.questions import Summary as Summary
    from harness.questions import Text as Text
    from harness.registry.task import task as task
    from harness.report.plot import plot as plot
    from harness.verdict.store import Store as Store


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
