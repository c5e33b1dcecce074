"""The table of adapters: one entry for each wire protocol, engine or kind of file that can be asked.

An entry is all that is known of an adapter before a run: where its class lives, what it can do, how an address names a
model of it, what has to be there. Nobody outside this file asks for an adapter's name to decide anything.

Other distributions add an entry by the entry-point group ``opengap.models``. Its name there begins addresses
(``parrot:polly``), and is a word for ``protocol`` in ``providers.yaml``. Names of this table cannot be taken.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness import extensions
from harness.errors import UnknownName, UsageError
from harness.types import RequestKind

GROUP = "opengap.models"

Named = Literal["weights", "file", "url", "host"]
"""What stands after the colon of an address, and how it is completed.

``weights``: a card, an ``org/name`` or a folder, with ``@revision``; it runs in this process, so hours are paid and not
tokens. ``file``: a path. ``url``: ``NAME@URL``. ``host``: a name as the host lists it.
"""
OptionKind = Literal["text", "number"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One entry. References are ``module:name`` and imported when they are used."""

    model: str
    """The class. It is called with the system, and where ``named`` is ``url`` or ``host`` with its Provider too."""
    named: Named
    apis: Mapping[str, str] = field(default_factory=dict)
    """Other classes by the value of the option ``api``; the class above has its own value here as well."""
    kinds: frozenset[RequestKind] = frozenset({"generate"})
    """What can be asked of it; its class says the same."""
    images: bool = True
    batch: str | None = None
    """Class of its batch API, called with the model; None: it has none."""
    options: Mapping[str, OptionKind] = field(default_factory=dict)
    """What an address may set."""
    needs: tuple[str, ...] = ()
    """Packages that have to be importable; ``install`` says how one gets them."""
    install: str = ""
    problems: str | None = None
    """Function from a system to lines about what else is missing: keys, files, devices. It may ask the network."""
    complete: str | None = None
    """Function from a system to the same with what only this machine knows of it; it may fetch and read weights."""
    leaves_machine: bool = True
    """Whether prompts may leave this machine; those to a host on loopback do not."""
    addressed: bool = True
    """Whether its name begins an address; else hosts of ``providers.yaml`` speak it."""

    @property
    def in_process(self) -> bool:
        """Whether it runs in this process, so that accelerator hours are paid and not tokens."""
        return self.named == "weights"

    def lacks(self) -> list[str]:
        """Packages that it needs and that are not installed."""
        return [package for package in self.needs if importlib.util.find_spec(package) is None]

    def model_class(self, api: str | None, who: str) -> Any:
        """The class for a value of the option ``api``. UsageError if there is no such API."""
        if api is None or not self.apis:
            return extensions.resolve(self.model)
        if api not in self.apis:
            raise UsageError(f"{who}: api is {' or '.join(self.apis)}, not {api!r}")
        return extensions.resolve(self.apis[api])


_ENGINE_OPTIONS: Mapping[str, OptionKind] = {
    "dtype": "text", "quantization": "text", "max_model_len": "number", "gpu_memory_utilization": "number",
    "tensor_parallel_size": "number",
}  # fmt: skip
_OPENAI = Adapter(
    model="harness.models.openai_chat:OpenAIChat",
    named="host",
    apis={
        "chat": "harness.models.openai_chat:OpenAIChat",
        "responses": "harness.models.openai_responses:OpenAIResponses",
    },
    batch="harness.models.openai_batch:OpenAIBatch",
    options={"effort": "text", "api": "text", "logprobs": "text"},
    problems="harness.models.hosted:problems",
    addressed=False,
)
_TRANSFORMERS = Adapter(
    model="harness.models.transformers_engine:TransformersModel",
    named="weights",
    images=False,
    options=_ENGINE_OPTIONS,
    needs=("transformers",),
    install="`make setup ENGINE=transformers` in a checkout, elsewhere `pip install transformers torch`",
    problems="harness.models.local:problems",
    complete="harness.models.local:identify",
    leaves_machine=False,
)
TABLE: Mapping[str, Adapter] = {
    "vllm": replace(
        _TRANSFORMERS,
        model="harness.models.vllm_engine:VllmModel",
        needs=("vllm",),
        install="`make setup` in a checkout, elsewhere `pip install vllm` (needs a GPU)",
        problems="harness.models.vllm_engine:problems",
    ),
    "transformers": _TRANSFORMERS,
    "server": replace(_OPENAI, named="url", addressed=True),
    "file": Adapter(
        model="harness.models.answers_file:AnswersFile",
        named="file",
        problems="harness.models.answers_file:problems",
        complete="harness.models.answers_file:identify",
        leaves_machine=False,
    ),
    "openai": _OPENAI,
    "anthropic": Adapter(
        model="harness.models.anthropic_messages:AnthropicMessages",
        named="host",
        batch="harness.models.anthropic_batch:AnthropicBatch",
        options={"effort": "text", "budget": "number"},
        problems="harness.models.hosted:problems",
        addressed=False,
    ),
    "launched": Adapter(
        model="harness.models.launched:LaunchedModel",
        named="host",
        options={"effort": "text", "logprobs": "text"},
        needs=("transformers",),
        install=_TRANSFORMERS.install,
        problems="harness.models.hosted:problems",
        addressed=False,
    ),
}
"""By name; engines stand in order of preference for a bare open model."""
FIRST_ENGINE = next(name for name, one in TABLE.items() if one.in_process)
"""Where a bare open model would run if every engine were installed."""


def find(name: str) -> Adapter:
    """An entry by its name, of this table or of another distribution. UnknownName lists those that there are."""
    if name in TABLE:
        return TABLE[name]
    brought = extensions.names(GROUP)
    if name not in brought:
        raise UnknownName("protocol", name, [*TABLE, *brought])
    return extensions.load(GROUP, name, Adapter)


def addressed() -> list[str]:
    """Names that begin an address by themselves."""
    return [*(name for name, one in TABLE.items() if one.addressed), *extensions.names(GROUP)]


def engine() -> str | None:
    """The first in-process engine that is installed, which a bare open model runs on."""
    return next((name for name, one in TABLE.items() if one.in_process and not one.lacks()), None)


def all_options() -> dict[str, OptionKind]:
    """Every option that an adapter of this table takes: what may stand behind a bare name, before its adapter is known."""
    return {option: kind for one in TABLE.values() for option, kind in one.options.items()}
