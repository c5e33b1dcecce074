"""Running: plans, the drivers that carry them out, and sealing."""

from __future__ import annotations

from harness.running.evaluate import check, evaluate, plan_jobs, store_for
from harness.running.execute import Execution, RunResult
from harness.running.plan import Job, find_protocol, prepare
from harness.running.retry import RetryPolicy

__all__ = [
    "Execution",
    "Job",
    "RetryPolicy",
    "RunResult",
    "check",
    "evaluate",
    "find_protocol",
    "plan_jobs",
    "prepare",
    "store_for",
]
