"""Asking: what is asked and how it is carried out, plans, and the drivers that feed a run's journal."""

from __future__ import annotations

from harness.asking.asked import Asked
from harness.asking.evaluate import carry_out, check, evaluate, plan_jobs, run_async
from harness.asking.execute import RunResult
from harness.asking.execution import Execution
from harness.asking.plan import Job, find_protocol, prepare
from harness.asking.retry import RetryPolicy

__all__ = [
    "Asked",
    "Execution",
    "Job",
    "RetryPolicy",
    "RunResult",
    "carry_out",
    "check",
    "evaluate",
    "find_protocol",
    "plan_jobs",
    "prepare",
    "run_async",
]
