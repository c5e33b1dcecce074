"""Names to task files and suites. Files are found by name and loaded by path, never as a package."""

from __future__ import annotations

import functools
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

from harness import settings
from harness.errors import UnknownName, UsageError
from harness.registry.task import Task

DEMO = "demo"
"""The suite of the bundled demo models; its tasks are asked of no others unless named."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A named, versioned list of tasks."""

    tasks: tuple[str, ...]
    purpose: str = ""


def task_folders() -> list[Path]:
    """``tasks`` as shipped, then ``./tasks``; a later file of the same name wins."""
    folders = dict.fromkeys(folder.resolve() for folder in (settings.bundled("tasks"), Path.cwd() / "tasks"))
    return [folder for folder in folders if folder.is_dir()]


def find_tasks() -> dict[str, Path]:
    """Task files by name, without importing any of them."""
    found: dict[str, Path] = {}
    for folder in task_folders():
        for path in sorted(folder.glob("*/*.py")):
            found[path.stem] = path
    return dict(sorted(found.items()))


def find_task(name: str) -> Task:
    """A task by ``name``, ``dimension/name`` or the path of its file. UnknownName lists the nearest ones."""
    path = Path(name) if name.endswith(".py") else find_tasks().get(name.rpartition("/")[2])
    if path is None:
        raise UnknownName("task", name, find_tasks(), hint="(`opengap tasks` lists them)")
    return load_file(path)


def load_file(path: Path) -> Task:
    """Import one task file by path and return the task that it declares. UsageError if it declares none."""
    return _load(path.resolve())


@functools.cache
def _load(path: Path) -> Task:
    if not path.is_file():
        raise UsageError(f"task file {path} does not exist")
    name = f"opengap_task_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"task file {path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a task file is somebody's own program and may fail in any way
        raise UsageError(f"task file {path} cannot be loaded: {type(error).__name__}: {error}") from error
    declared = [value for value in vars(module).values() if isinstance(value, Task)]
    if len(declared) != 1:
        raise UsageError(f"task file {path} declares {len(declared)} tasks; one file holds one task")
    if declared[0].card.name != path.stem:
        raise UsageError(f"task file {path} declares {declared[0].card.name!r}; file and task bear the same name")
    return declared[0]


def find_suite(name: str, *, demo: bool = False) -> tuple[str, Suite]:
    """A suite by ``name@version``, by name alone (its newest version), or by a dimension: all tasks of it.

    Returns its full name too. A dimension holds the bundled demo tasks where ``demo``, else all others. UnknownName lists
    the suites and dimensions.
    """
    known = {
        key: settings.build(Suite, data, f"{path}: {key}") for key, (data, path) in settings.load("suites").items()
    }
    if name in known:
        return name, known[name]
    versions = [key for key in known if key.partition("@")[0] == name]
    bundled = {task for key, suite in known.items() if key.partition("@")[0] == DEMO for task in suite.tasks}
    of_dimension = [task for task, path in find_tasks().items() if path.parent.name == name]
    tasks = tuple(task for task in of_dimension if (task in bundled) == demo)
    if tasks and (demo or not versions):
        return name, Suite(tasks, f"all tasks of the dimension {name}")
    if not versions:
        dimensions = {path.parent.name for path in find_tasks().values()}
        raise UnknownName("suite", name, {key.partition("@")[0] for key in known} | set(known) | dimensions)
    newest = max(versions, key=lambda key: int(key.partition("@")[2] or 0))
    return newest, known[newest]
