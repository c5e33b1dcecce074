"""The run engine: 2,000 one-line samples against a server that takes 200 ms, and two other harnesses beside it."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.perf.measured import Measured
from tests.perf.peers import inspect_ai, lm_eval, write_items
from tests.perf.process import Usage, run
from tests.servers import fault_server

LATENCY_S = 0.2
IMPORT = "from openai import AsyncOpenAI, DefaultAioHttpClient; import aiohttp"
"""What whoever asks by the SDK imports."""
ROUNDS = 3


def ours(url: str, items: Path, store: Path, in_flight: int) -> Usage:
    """A whole `opengap eval`, sealing included."""
    command = [sys.executable, "-m", "harness", "eval", f"server:fault-1@{url}/v1", "--items", str(items), "--scorer",
               "numeric", "--weights", "closed", "--store", str(store), "--concurrency", str(in_flight)]  # fmt: skip
    return run(command)


def client(which: str, url: str, items: Path, in_flight: int) -> Usage:
    """The same requests by another client, which keeps nothing: ``sdk`` or ``aiohttp``."""
    return run([sys.executable, "-m", "tests.perf.clients", which, url, str(items), str(in_flight)])


def measure(peers: bool = True) -> list[Measured]:
    """All figures. Peers and we take turns, so that a busy moment of the machine hits all of them."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        items, few = write_items(work / "items.jsonl", 2000), write_items(work / "few.jsonl", 2)
        found: dict[str, list[Usage]] = {
            "opengap": [],
            "opengap 1,000 in flight": [],
            "start": [],
            "sdk": [],
            "aiohttp": [],
            "sdk start": [],
            "aiohttp start": [],
            "import": [],
            "inspect": [],
            "lm-eval": [],
        }
        with fault_server("--latency", str(LATENCY_S)) as server:
            for turn in range(ROUNDS):
                found["opengap"].append(ours(server.url, items, work / f"a{turn}", 256))
                found["opengap 1,000 in flight"].append(ours(server.url, items, work / f"b{turn}", 1000))
                found["start"].append(ours(server.url, few, work / f"c{turn}", 256))
                for name in ("sdk", "aiohttp"):
                    found[name].append(client(name, server.url, items, 256))
                    found[f"{name} start"].append(client(name, server.url, few, 256))
                found["import"].append(run([sys.executable, "-c", IMPORT]))
                if peers and turn == 0:
                    found["inspect"].append(inspect_ai(server.url, items, work, 256))
                    found["lm-eval"].append(lm_eval(server.url, items, work, 256))
        with fault_server("--answer-bytes", "2048", "--answer", "Answer: 4") as server:
            small = ours(server.url, items, work / "small", 256)
            large = ours(server.url, write_items(work / "many.jsonl", 20_000), work / "large", 256)
        first = _first_request(few, work)
    wall = _median(found["opengap"], "wall_s")
    start = _median(found["start"], "cpu_s")
    imported = found["import"]
    import_cpu, import_wall = _median(imported, "cpu_s"), _median(imported, "wall_s")
    bound = 2000 / 256 * LATENCY_S
    rows = [
        Measured("eval, 2,000 samples, 256 in flight, 200 ms: wall", wall, "s", f"bound {bound:.2f} s; at most 4.0"),
        Measured(
            "  CPU a sample beyond start-up",
            (_median(found["opengap"], "cpu_s") - start) / 1998 * 1e3,
            "ms",
            "at most 1.0",
        ),
        Measured("  peak memory", _median(found["opengap"], "peak_mb"), "MB"),
        Measured(
            "  1,000 in flight: wall",
            _median(found["opengap 1,000 in flight"], "wall_s"),
            "s",
            f"256 in flight: {wall:.2f}",
        ),
        Measured("  the same by the SDK's raw call: CPU a sample", _beyond(found, "sdk"), "ms", "keeps nothing"),
        Measured("  the same by bare aiohttp: CPU a sample", _beyond(found, "aiohttp"), "ms", "keeps nothing"),
        Measured("import of the SDK: CPU", import_cpu, "s"),
        Measured("import of the SDK: wall", import_wall, "s"),
        Measured("whole run of 2 samples: CPU beyond the SDK's import", start - import_cpu, "s", "at most 0.7"),
        Measured("start to first request beyond the SDK's import", first - import_wall, "s", "at most 0.3"),
        Measured(
            "20,000 samples of 2 kB against 2,000: peak memory", large.peak_mb / small.peak_mb, "x", "at most 1.3"
        ),
    ]
    for name in ("inspect", "lm-eval"):
        for usage in found[name]:
            rows.append(
                Measured(f"{name}, the same samples: wall", usage.wall_s, "s", f"{usage.wall_s / wall:.1f} x ours")
            )
            rows.append(
                Measured(
                    f"{name}: CPU", usage.cpu_s, "s", f"{usage.cpu_s / _median(found['opengap'], 'cpu_s'):.1f} x ours"
                )
            )
            rows.append(Measured(f"{name}: peak memory", usage.peak_mb, "MB"))
    return rows


def _beyond(found: dict[str, list[Usage]], name: str) -> float:
    """CPU of one of 2,000 samples beyond what two take, in ms."""
    return (_median(found[name], "cpu_s") - _median(found[f"{name} start"], "cpu_s")) / 1998 * 1e3


def _median(usages: list[Usage], name: str) -> float:
    return float(statistics.median(getattr(usage, name) for usage in usages))


def _first_request(items: Path, work: Path) -> float:
    times: list[float] = []
    for turn in range(ROUNDS):
        with fault_server() as server:
            begun = time.time()
            ours(server.url, items, work / f"first{turn}", 2)
            times.append(server.stats()["first_at"] - begun)
    return float(statistics.median(times))
