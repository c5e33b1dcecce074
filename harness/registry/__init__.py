"""Tasks: declared in one file each, found by name, loaded by path, proved without a model."""

from __future__ import annotations

from harness.registry.find import find_suite, find_task, find_tasks, load_file
from harness.registry.items import LoadedTask, load_items
from harness.registry.own import own_tasks
from harness.registry.prove import prove
from harness.registry.task import Task, task

__all__ = [
    "LoadedTask",
    "Task",
    "find_suite",
    "find_task",
    "find_tasks",
    "load_file",
    "load_items",
    "own_tasks",
    "prove",
    "task",
]
