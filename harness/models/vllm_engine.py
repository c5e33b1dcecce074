"""vLLM in process through its async engine: continuous batching, one future a request, the same code on GPU and CPU."""

from __future__ import annotations

import asyncio
import importlib.metadata
import itertools
import os
from typing import Any

from harness.errors import ContextTooLong, RequestRejected, RunFailed, ServerFailed, ServerGone
from harness.models import local
from harness.models.base import classify
from harness.models.chat import Chat
from harness.models.local import check_memory, context_length, locate
from harness.thoughts import split_thoughts
from harness.types import Completion, Request, RequestKind, System, Usage

QUIET = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Standard output belongs to tables. VLLM_LOGGING_LEVEL=INFO brings the engine's own log back."""
ON_CPU = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
"""Without these, thread binding makes small models on a shared machine up to ten times slower. Yours win if set."""


def problems(system: System) -> list[str]:
    """What is missing before a run: a device that this build of vLLM runs on, and what :func:`local.problems` finds."""
    if _has_a_device():
        return local.problems(system)
    return [
        f"{system.name}: this vLLM is built for GPUs and sees none: check `nvidia-smi`, or put "
        f"the CPU's in its place (`make setup ENGINE=vllm-cpu`), or ask transformers:{system.api_name}",
        *local.problems(system),
    ]


def _has_a_device() -> bool:
    """Whether vLLM finds what it is built for. Its build for CPUs always does, and is not imported to be asked."""
    try:
        if "cpu" in importlib.metadata.version("vllm"):
            return True
    except importlib.metadata.PackageNotFoundError:
        return True  # vllm-cpu is a distribution of its own
    from vllm.platforms import current_platform

    return not current_platform.is_unspecified()


class VllmModel:
    """One engine in this process and its worker processes."""

    kinds: frozenset[RequestKind] = frozenset({"generate"})
    default_concurrency = 256

    def __init__(self, system: System) -> None:
        self.system = system
        self._numbers = itertools.count()
        self._engine: Any = None
        self._flags: dict[str, Any] = {}

    async def start(self) -> None:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        import torch

        on_gpu = torch.cuda.is_available()
        if not on_gpu:
            for name, value in ON_CPU.items():
                os.environ.setdefault(name, value)
        folder = locate(self.system)
        check_memory(self.system, folder)
        self._chat = await asyncio.to_thread(Chat, folder)
        options = self.system.options
        context = int(options.get("max_model_len") or context_length(folder) or 0)
        self._context = context or 1 << 20
        self._flags = {
            "model": str(folder),
            "dtype": options.get("dtype", "auto"),
            "quantization": options.get("quantization"),
            "max_model_len": context or None,
            "tensor_parallel_size": int(options.get("tensor_parallel_size", 1)),
            "enforce_eager": not on_gpu,
            "disable_log_stats": True,
            "seed": 0,
        }
        if on_gpu:
            self._flags["gpu_memory_utilization"] = float(options.get("gpu_memory_utilization", 0.9))
        else:
            self._flags["max_num_seqs"] = self.default_concurrency
        from vllm import AsyncEngineArgs
        from vllm.engine.async_llm_engine import AsyncLLMEngine

        try:
            self._engine = AsyncLLMEngine.from_engine_args(AsyncEngineArgs(**self._flags))
        except (RuntimeError, ValueError, OSError) as error:
            raise RunFailed(f"vLLM could not start {self.system.name}: {error}") from error

    async def generate(self, request: Request) -> Completion:
        from vllm import SamplingParams
        from vllm.exceptions import VLLMValidationError
        from vllm.sampling_params import RequestOutputKind
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        tokens = self._chat.tokens(request.messages)
        if len(tokens) >= self._context:
            raise ContextTooLong(f"the prompt has {len(tokens)} tokens, the context window {self._context}")
        sampling = request.sampling
        params = SamplingParams(
            temperature=1.0 if sampling.temperature is None else sampling.temperature,
            top_p=1.0 if sampling.top_p is None else sampling.top_p,
            top_k=sampling.top_k or 0,
            seed=sampling.seed,
            max_tokens=min(request.max_tokens, self._context - len(tokens)),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        last: Any = None
        name = f"{next(self._numbers)}-{request.prompt_hash[:12]}"
        try:
            async for output in self._engine.generate({"prompt_token_ids": tokens}, params, request_id=name):
                last = output
        except EngineDeadError as error:
            raise ServerGone(
                f"vLLM's engine has died under {self.system.name}. Every answer so far is kept; VLLM_LOGGING_LEVEL=INFO shows "
                "the engine's own log"
            ) from error
        except VLLMValidationError as error:
            raise RequestRejected(f"vLLM rejects the request: {error}") from error
        except EngineGenerateError as error:
            raise ServerFailed(f"vLLM failed at one request: {error}") from error
        except (RuntimeError, ValueError) as error:
            raise RunFailed(f"vLLM failed: {type(error).__name__}: {error}") from error
        if last is None or last.outputs[0].finish_reason == "abort":
            raise ServerFailed("vLLM aborted the request")
        written = last.outputs[0]
        reasoning, text, _ = split_thoughts(written.text)
        return Completion(
            status=classify(text, finished_by_limit=written.finish_reason == "length", refused=False),
            text=text,
            reasoning=reasoning,
            finish_reason=written.finish_reason,
            usage=Usage(len(tokens), last.num_cached_tokens, len(written.token_ids), None),
        )

    async def close(self) -> None:
        if self._engine is not None:
            self._engine.shutdown()
            self._engine = None

    def describe(self) -> dict[str, Any]:
        import torch
        import vllm

        return {
            "adapter": "vllm async engine",
            "engine": f"vllm {vllm.__version__}",
            "torch": str(torch.__version__),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
            "flags": {key: value for key, value in self._flags.items() if key != "model"},
            "context": self._context,
            **self._chat.describe(),
        }
