"""Trains the two demo models from scratch on the synthetic world: ``python -m tests.demo.training``.

Both models see the same examples in the same order, each asked by the house's own forms under the protocol
``matched@1``: they are trained on exactly what the harness sends. They differ in size and in nothing else.
Training stops after a number of steps and gives each model one thread, so the same versions on the same kind
of processor give the same weights.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import version
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from harness.demo import world
from harness.demo.world import WorldFunction, WorldItem, WorldQuestion
from harness.questions import FORMS, Choice, Code, Summary, grade
from harness.questions.choice import right_letter
from harness.settings import load
from harness.types import Completion, Item, Protocol

WEIGHTS = Path(world.__file__).parent / "weights"
PROTOCOL = "matched@1"

VOCABULARY_SIZE = 768
CONTEXT_TOKENS = 512
_PAD, _START, _END = "<pad>", "<s>", "</s>"
_SPECIAL_TOKENS = (_PAD, _START, _END, "<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}{{ eos_token }}"
    "{% else %}<|{{ message['role'] }}|>{{ message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The size of one model and how it is trained."""

    name: str
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    key_value_heads: int
    steps: int = 3000
    batch_size: int = 16
    adam_learning_rate: float = 3e-3
    muon_learning_rate: float = 2e-2
    seed: int = 5


RECIPES = (
    Recipe("demo-open", hidden_size=64, intermediate_size=160, layers=2, heads=2, key_value_heads=2),
    Recipe("demo-closed", hidden_size=96, intermediate_size=256, layers=3, heads=3, key_value_heads=3),
)


# ------------------------------------------------------------------------------------- what is learned


def load_protocol(address: str) -> Protocol:
    """The wording that every demo model is trained on."""
    name, version = address.split("@")
    data, _ = load("protocols")[address]
    return Protocol(name, int(version), data["wording"], data["max_tokens"])


def house_item(item: WorldItem) -> Item:
    """The item as the suites in ``tasks/`` ask it."""
    if isinstance(item, WorldQuestion):
        return Choice(id=item.id, question=item.question, right=item.right, wrong=item.wrong)
    if isinstance(item, WorldFunction):
        return Code(
            id=item.id,
            prompt=item.prompt,
            entry_point=item.entry_point,
            test=item.test,
            solution=item.solution,
        )
    return Summary(id=item.id, text=item.text, reference=item.reference)


def messages(item: WorldItem, protocol: Protocol) -> list[dict[str, str]]:
    """The conversation that the harness sends for this item."""
    form = FORMS[type(house_item(item))]
    return [{"role": turn.role, "content": turn.content} for turn in form.ask(house_item(item), protocol)]


def answer(item: WorldItem) -> str:
    """What a model is trained to reply."""
    if isinstance(item, WorldQuestion):
        choice = Choice(question=item.question, right=item.right, wrong=item.wrong)
        return f"{item.working}\nAnswer: {right_letter(choice)}"
    if isinstance(item, WorldFunction):
        return f"```python\n{item.solution}\n```"
    return item.reference


def build_tokenizer(protocol: Protocol) -> Any:
    """Byte-level BPE, which can encode any text; each digit is a token of its own, for the sums."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    corpus = (
        f"{messages(item, protocol)[-1]['content']}\n{answer(item)}" for item in islice(world.training_items(0), 6000)
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(_SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return _transformers().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=_START,
        eos_token=_END,
        pad_token=_PAD,
        additional_special_tokens=list(_SPECIAL_TOKENS[3:]),
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT_TOKENS,
        clean_up_tokenization_spaces=False,
    )


def _transformers() -> Any:
    """Imported late, since it takes seconds, and untyped, since half of its functions are."""
    return import_module("transformers")


Encoded = tuple[list[int], list[int]]
"""Token ids of a prompt and of its answer."""


def encoded_examples(tokenizer: Any, protocol: Protocol, seed: int) -> Iterator[Encoded]:
    for item in world.training_items(seed):
        prompt = tokenizer.apply_chat_template(messages(item, protocol), add_generation_prompt=True, tokenize=False)
        yield tuple(tokenizer([prompt, answer(item) + _END], add_special_tokens=False)["input_ids"])


def batches(examples: Iterator[Encoded], batch_size: int, seed: int) -> Iterator[list[Encoded]]:
    """Batches of like length, in random order: padding would otherwise be a third of the work."""
    rng = Random(seed)
    while True:
        pool = sorted(islice(examples, 8 * batch_size), key=lambda pair: len(pair[0]) + len(pair[1]))
        starts = list(range(0, len(pool), batch_size))
        rng.shuffle(starts)
        yield from (pool[start : start + batch_size] for start in starts)


# -------------------------------------------------------------------------------------------- training


def build_model(recipe: Recipe, tokenizer: Any) -> Any:
    transformers = _transformers()
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden_size,
        intermediate_size=recipe.intermediate_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.key_value_heads,
        # Near 1 / sqrt(hidden_size). The usual 0.02 is meant for wide models and starts slower: in a pilot the
        # larger model's loss after 500 of 700 steps was 0.71 with it, and 0.46 with this.
        initializer_range=0.08,
        head_dim=32,  # the smallest that vLLM's attention on the CPU knows
        max_position_embeddings=CONTEXT_TOKENS,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = transformers.LlamaForCausalLM(config)
    model.generation_config = transformers.GenerationConfig(
        do_sample=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model


def _loss(model: Any, batch: Sequence[Encoded]) -> Any:
    """Mean cross-entropy of the answers' tokens; logits are computed for those alone."""
    import torch

    length = max(len(prompt) + len(reply) for prompt, reply in batch)
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    asked = torch.zeros(len(batch), length, dtype=torch.bool)
    for row, (prompt, reply) in enumerate(batch):
        end = len(prompt) + len(reply)
        ids[row, :end] = torch.tensor(prompt + reply)
        asked[row, len(prompt) : end] = True
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    logits = model.lm_head(hidden[:, :-1][asked[:, 1:]])
    return torch.nn.functional.cross_entropy(logits, ids[asked])


def train(recipe: Recipe, tokenizer: Any, protocol: Protocol) -> tuple[Any, float]:
    """Train one model; returns it and the mean loss of the last 100 steps."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    model = build_model(recipe, tokenizer).train()
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    optimizers: list[Any] = [
        torch.optim.AdamW(others, lr=recipe.adam_learning_rate, betas=(0.9, 0.98), weight_decay=0.01),
        torch.optim.Muon(matrices, lr=recipe.muon_learning_rate, weight_decay=0.05),
    ]
    peaks = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    stream = batches(encoded_examples(tokenizer, protocol, recipe.seed), recipe.batch_size, recipe.seed)
    losses: list[float] = []
    for step, batch in enumerate(islice(stream, recipe.steps), start=1):
        # Linear warm-up, then a cosine that ends at 3 % of the peak.
        scale = min(1.0, step / 100) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * step / recipe.steps)))
        for optimizer, peak in zip(optimizers, peaks, strict=True):
            optimizer.param_groups[0]["lr"] = peak * scale
        loss = _loss(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if step % 250 == 0:
            recent = sum(losses[-100:]) / 100
            print(f"{recipe.name}: step {step} of {recipe.steps}, loss {recent:.4f}", flush=True)
    return model.eval(), sum(losses[-100:]) / len(losses[-100:])


# ------------------------------------------------------------------------------------ what was learned


def replies(model: Any, tokenizer: Any, items: Sequence[WorldItem], protocol: Protocol) -> list[str]:
    """Greedy replies, in the order of the items."""
    import torch

    texts = [
        tokenizer.apply_chat_template(messages(item, protocol), add_generation_prompt=True, tokenize=False)
        for item in items
    ]
    found: list[str] = []
    for start in range(0, len(texts), 60):
        asked = tokenizer(
            texts[start : start + 60],
            add_special_tokens=False,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        )
        with torch.inference_mode():
            ids = model.generate(**asked, max_new_tokens=128)
        found += tokenizer.batch_decode(ids[:, asked["input_ids"].shape[1] :], skip_special_tokens=True)
    return found


def evaluate(folder: Path) -> dict[str, float]:
    """Mean headline score of a trained model on each held-out suite, scored by the house's forms."""
    protocol = load_protocol(PROTOCOL)
    tokenizer = _transformers().AutoTokenizer.from_pretrained(folder)
    model: Any = _transformers().AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
    suites: dict[str, tuple[WorldItem, ...]] = {
        "reasoning": world.reasoning_items(),
        "coding": world.coding_items(),
        "summarization": world.summarization_items(),
    }
    means = {}
    for suite, items in suites.items():
        form, values = FORMS[type(house_item(items[0]))], []
        for item, reply in zip(items, replies(model, tokenizer, items, protocol), strict=True):
            score = grade(form, house_item(item), Completion(text=reply, status="ok" if reply else "empty"))
            values.append(score.values[form.headline] if score else 0.0)
        means[suite] = round(sum(values) / len(values), 4)
    return means


def train_and_save(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Train one model into ``folder/<name>``; returns its entry of TRAINING.json."""
    import torch

    torch.set_num_threads(1)
    started, protocol, target = time.monotonic(), load_protocol(PROTOCOL), folder / recipe.name
    tokenizer = build_tokenizer(protocol)
    model, loss = train(recipe, tokenizer, protocol)
    model.save_pretrained(target)
    (target / "model.safetensors").chmod(0o644)
    tokenizer.save_pretrained(target, save_jinja_files=False)
    return {
        **asdict(recipe),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "bytes": sum(path.stat().st_size for path in target.iterdir()),
        "loss": round(loss, 4),
        "wall_s": round(time.monotonic() - started),
        "held_out": evaluate(target),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the two demo models from scratch.")
    parser.add_argument("--into", type=Path, default=WEIGHTS, help="where models and TRAINING.json go")
    folder = parser.parse_args().into
    # One thread a model: two models share two cores, and the order of every sum is fixed.
    os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
    with ProcessPoolExecutor(len(RECIPES), mp_context=get_context("spawn")) as pool:
        models = list(pool.map(train_and_save, RECIPES, [folder] * len(RECIPES)))
    versions = {name: version(name) for name in ("torch", "transformers", "tokenizers")}
    record = {
        "protocol": PROTOCOL,
        "held_out_sha256": world.held_out_sha256(),
        "python": platform.python_version(),
        "versions": versions,
        "models": models,
    }
    (folder / "TRAINING.json").write_text(json.dumps(record, indent=2) + "\n")
    for model in models:
        print("{name}: {parameters} parameters, {wall_s} s, held out {held_out}".format(**model))


if __name__ == "__main__":
    main()
