"""Hugging Face transformers in process: the reference engine, for machines without vLLM."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.errors import ContextTooLong, RunFailed
from harness.models.base import classify
from harness.models.chat import Chat
from harness.models.local import check_memory, context_length, locate
from harness.thoughts import split_thoughts
from harness.types import Completion, Request, RequestKind, Sampling, System, Usage

BATCH_TOKENS = 32_768
"""Prompt and answer tokens held in memory together at most: bounds the key-value cache of a batch."""

_Job = tuple[list[int], Request, "asyncio.Future[Completion]"]


class TransformersModel:
    """Collects waiting requests into left-padded batches; one thread generates."""

    kinds: frozenset[RequestKind] = frozenset({"generate"})
    default_concurrency = 256

    def __init__(self, system: System) -> None:
        self.system = system
        self._waiting: list[_Job] = []
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transformers")
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._load)
        self._worker = asyncio.create_task(self._work())

    def _load(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from transformers import AutoModelForCausalLM
        from transformers.utils import logging

        logging.disable_progress_bar()
        folder = locate(self.system)
        check_memory(self.system, folder)
        self._chat = Chat(folder)
        self._context = context_length(folder) or 1 << 20
        dtype = getattr(torch, self.system.options.get("dtype", "float32"), None)
        if not isinstance(dtype, torch.dtype):
            raise RunFailed(f"{self.system.name}: torch knows no dtype {self.system.options['dtype']!r}")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype)
        self._model.to(self._device).eval()
        tokenizer = self._chat.tokenizer
        stop = self._model.generation_config.eos_token_id
        self._stop = set(stop if isinstance(stop, list) else [stop]) - {None} or {tokenizer.eos_token_id}
        self._pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(self._stop)

    async def generate(self, request: Request) -> Completion:
        tokens = self._chat.tokens(request.messages)
        if len(tokens) >= self._context:
            raise ContextTooLong(f"the prompt has {len(tokens)} tokens, the context window {self._context}")
        future: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, request, future))
        self._arrived.set()
        return await future

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            # Let every task that is ready add its request before a batch is cut.
            await asyncio.sleep(0)
            jobs = self._cut()
            if not jobs:
                self._arrived.clear()
                continue
            try:
                completions = await loop.run_in_executor(self._thread, self._batch, jobs)
            except (RuntimeError, ValueError, IndexError) as error:
                for _, _, future in jobs:
                    if not future.done():
                        future.set_exception(RunFailed(f"transformers failed: {error}"))
                continue
            for (_, _, future), completion in zip(jobs, completions, strict=True):
                if not future.done():
                    future.set_result(completion)

    def _cut(self) -> list[_Job]:
        """The next batch: requests with equal parameters, shortest prompts first, so that little is padding."""
        alive = [job for job in self._waiting if not job[2].done()]
        if not alive:
            self._waiting = []
            return []
        first = alive[0][1]
        alike = [job for job in alive if (job[1].sampling, job[1].max_tokens) == (first.sampling, first.max_tokens)]
        alike.sort(key=lambda job: len(job[0]))
        jobs = [
            job
            for size, job in enumerate(alike, start=1)
            if size == 1 or size * (len(job[0]) + job[1].max_tokens) <= BATCH_TOKENS
        ]
        taken = {id(job[2]) for job in jobs}
        self._waiting = [job for job in alive if id(job[2]) not in taken]
        return jobs

    def _batch(self, jobs: Sequence[_Job]) -> list[Completion]:
        import time

        import torch

        begun = time.perf_counter()
        request = jobs[0][1]
        longest = max(len(tokens) for tokens, _, _ in jobs)
        room = min(request.max_tokens, self._context - longest)
        padded = [[self._pad] * (longest - len(tokens)) + tokens for tokens, _, _ in jobs]
        mask = [[0] * (longest - len(tokens)) + [1] * len(tokens) for tokens, _, _ in jobs]
        with torch.inference_mode():
            output = self._model.generate(
                input_ids=torch.tensor(padded, device=self._device),
                attention_mask=torch.tensor(mask, device=self._device),
                max_new_tokens=room,
                pad_token_id=self._pad,
                eos_token_id=sorted(self._stop),
                **_decoding(request.sampling),
            )
        taken = time.perf_counter() - begun
        rows = output[:, longest:].tolist()
        return [self._completion(tokens, row, taken) for (tokens, _, _), row in zip(jobs, rows, strict=True)]

    def _completion(self, prompt: list[int], row: list[int], taken: float) -> Completion:
        end = next((index for index, token in enumerate(row) if token in self._stop), None)
        written = row if end is None else row[:end]
        reasoning, text, _ = split_thoughts(self._chat.tokenizer.decode(written, skip_special_tokens=True))
        return Completion(
            status=classify(text, finished_by_limit=end is None, refused=False),
            text=text,
            reasoning=reasoning,
            finish_reason="length" if end is None else "stop",
            usage=Usage(len(prompt), 0, len(written) + (end is not None), None),
            latency_s=taken,
        )

    async def close(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
        self._thread.shutdown(wait=True)

    def describe(self) -> dict[str, Any]:
        import torch
        import transformers

        return {
            "adapter": "transformers",
            "engine": f"transformers {transformers.__version__}",
            "torch": str(torch.__version__),
            "dtype": self.system.options.get("dtype"),
            "device": self._device,
            "batch_tokens": BATCH_TOKENS,
            "context": self._context,
            **self._chat.describe(),
        }


def _decoding(sampling: Sampling) -> dict[str, Any]:
    import torch

    if not sampling.temperature:
        # None clears what the model's own generation config would add.
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    if sampling.seed is not None:
        torch.manual_seed(sampling.seed)
    return {
        "do_sample": True,
        "temperature": sampling.temperature,
        "top_p": 1.0 if sampling.top_p is None else sampling.top_p,
        "top_k": sampling.top_k or 0,
    }
