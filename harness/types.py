"""The nouns of OpenGap, in the order in which data flows through them.

    Item -> Request -> Completion -> Score -> (sealed run) -> Comparison

All of them are frozen and carry no behaviour; what is done with them lives in the room that does it.
Money is in US dollars, durations are in seconds, dates are ISO 8601 strings, scores are in [0, 1] unless a
task says otherwise, and a gap is closed - open in points (hundredths of the score's range).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Dimension = str
"""A row of the report: ``reasoning``, ``coding``, ``summarization``, or a user's own word."""

WeightsLevel = Literal["closed", "restricted", "open_weights", "open_with_data"]
"""How open a model is. Restricted: weights published under a licence that limits use."""

OpenFrom = Literal["restricted", "open_weights", "open_with_data"]
"""The least open level that counts as open. The rule is printed wherever a gap is."""

CompletionStatus = Literal["ok", "truncated", "empty", "refused", "unanswered"]
ScoreStatus = Literal["scored", "unparsed", "scorer_error"]
UNKNOWN = "unknown"
"""Name and hash of a protocol that nobody here knows: answers and results of somebody else's harness."""
Role = Literal["system", "user", "assistant"]
RequestKind = Literal["generate", "loglikelihood"]
ImageType = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
"""What all hosted protocols take."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that goes with a question: known by its content, read when it is sent."""

    sha256: str
    media_type: ImageType
    size_bytes: int
    width: int
    """In pixels, as ``height``."""
    height: int
    read: Callable[[], bytes] = field(compare=False, repr=False)
    """The bytes, read anew; RunFailed if they are no longer there or no longer these. Being a function, it cannot be
    encoded: neither bytes nor a path of this machine can slip into a hash or a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One question; the forms in ``harness.questions`` add the fields that they need."""

    id: str | None = None
    """The source's own identifier; where there is none, the registry derives one from the content."""
    cluster: str | None = None
    """Items that are not independent share it: one passage, one repository, one template."""
    published_on: str | None = None
    """When the item became public; None: private, fresh or unknown."""
    images: Any = ()
    """What goes with the user's message, before its text: paths, bytes, PIL images or what ``datasets`` yields, one or
    several; :class:`Image` once the registry has loaded them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


def last_of_user(messages: Sequence[Message]) -> int:
    """Index of the message that a question's images go with."""
    return max((at for at, message in enumerate(messages) if message.role == "user"), default=len(messages) - 1)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Decoding parameters; None means that the parameter is not sent."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """How questions are asked: the same for both sides, named, versioned and hashed."""

    name: str
    version: int
    wording: Mapping[str, str]
    """Template of the user turn by form name, with the form's fields in braces."""
    max_tokens: Mapping[str, int]
    """Upper limit of generated tokens by form name, reasoning included; a task may set its own."""
    sampling: Sampling = Sampling()
    sampling_source: Literal["protocol", "card"] = "protocol"
    """``card``: each card's own recommendation replaces ``sampling``."""
    system_prompt: str | None = None
    shots: int = 0
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """What is really compared: a card, served somewhere, with fixed options."""

    name: str
    """Canonical address; unique, and what tables print."""
    card: str
    developer: str
    weights: WeightsLevel
    provider: str
    api_name: str
    """The name or path that the endpoint or engine is asked for."""
    url: str | None = None
    revision: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    """Effort, dtype, quantization, LoRA: whatever makes it another system of the same card."""
    weights_sha256: str | None = None
    """Content hash of local weights; None for hosted systems."""
    released: str | None = None


@dataclass(frozen=True, slots=True)
class TaskCard:
    """What a task is and where its items come from."""

    name: str
    version: int
    dimension: Dimension
    source: str
    form: str
    headline: str
    """The metric that enters the gap."""
    redistributable: bool
    """False: the items' text is never published, only kept on this machine."""
    licence: str | None = None
    split: str | None = None
    max_tokens: int | None = None
    n: int | None = None
    runs_code: bool = False
    gated: bool = False
    """True: access to the data has to be requested from its owner."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One task of a plan, with the exact items that will be asked."""

    card: TaskCard
    item_ids: tuple[str, ...]
    items_sha256: str
    """Hash of the items' full content, so that a silently changed question is noticed."""
    prompts_sha256: str
    """Hash of all rendered prompts and their parameters."""
    revision: str | None = None
    """Revision of the source that was really loaded; None where the source has none."""
    protocol_sha256: str = ""
    """Hash of how this task is asked: wording and limit of its form, sampling, system prompt. Results of a task are compared
    by it, whatever else was asked with it. Empty in files of before; readers of receipts fill it in."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One system, one protocol, some tasks, repeated: on disk before the first request."""

    system: System
    protocol: Protocol
    """As far as the tasks use it."""
    protocol_sha256: str
    """Hash of the whole protocol as it was named; nothing is compared by it."""
    tasks: tuple[PlannedTask, ...]
    repeats: int
    order_seed: int
    code_execution: bool
    suite: str | None = None
    answers_run: str | None = None
    """The run whose stored answers are scored anew; None: this plan asks."""


@dataclass(frozen=True, slots=True)
class Request:
    """One item rendered for one protocol, ready to be sent to any adapter."""

    task: str
    item_id: str
    repeat: int
    messages: tuple[Message, ...]
    max_tokens: int
    sampling: Sampling
    prompt_hash: str
    """With system and repeat the identity for resuming; see ``asking.plan``."""
    options: Mapping[str, str] = field(default_factory=dict)
    kind: RequestKind = "generate"
    images: tuple[Image, ...] = ()
    """Go with the last message of the user, before its text."""


MOST_TOKENS = 2**53
"""Beyond it a count is no count, and JSON of other programs loses digits."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint counted them; None where it did not say."""

    input: int | None = None
    cached: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cache_written: int | None = None
    """Prompt tokens that were put into the provider's cache; a part of ``input``, as ``cached`` is."""

    def sound(self) -> Usage:
        """Without counts that cannot be: below zero, beyond 2^53, or of a cache more than the whole prompt."""
        parts = (self.input, self.cached, self.output, self.reasoning, self.cache_written)
        known = [one for one in parts if one is not None]
        whole = (self.cached or 0) + (self.cache_written or 0) <= (MOST_TOKENS if self.input is None else self.input)
        if whole and (not known or (min(known) >= 0 and max(known) <= MOST_TOKENS)):
            return self
        input_, cached, output, reasoning, written = (
            one if one is not None and 0 <= one <= MOST_TOKENS else None for one in parts
        )
        if (cached or 0) + (written or 0) > (input_ or 0):
            cached = written = None
        return Usage(input_, cached, output, reasoning, written)


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back for one request, kept exactly as it came."""

    status: CompletionStatus
    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage = Usage()
    latency_s: float | None = None
    first_token_s: float | None = None
    mean_logprob: float | None = None
    reported_model: str | None = None
    fingerprint: str | None = None
    attempts: int = 1
    billed_attempts: int = 0
    """Failed attempts before it that may have been billed: cut off by our clock, or answered with what nobody can read."""
    cost_usd: float | None = None
    error: str | None = None
    """Why it is unanswered, or why earlier attempts failed; never contains a key."""
    prompt: str = ""
    """What somebody else asked, where an existing answer comes with it; empty: what the request says, or not known."""
    dropped: tuple[str, ...] = ()
    """Parameters that the endpoint cannot take and that were left out."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: which request, and what came back."""

    task: str
    item_id: str
    repeat: int
    prompt_hash: str
    completion: Completion
    at: str
    """UTC time at which the answer arrived."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one answer is worth."""

    status: ScoreStatus
    values: Mapping[str, float] = field(default_factory=dict)
    answer: str | None = None
    """What was read out of the text, normalised and short."""
    reason: str | None = None
    sandbox: str | None = None
    """What held the program that was run for it; None: none was run."""


@dataclass(frozen=True, slots=True)
class WeightsFact:
    """How open a model was from a date on, and how one knows."""

    level: WeightsLevel
    since: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Price:
    """List price per million tokens from a date on; None: not published or not known."""

    since: str
    input: float | None = None
    output: float | None = None
    cached: float | None = None
    cache_write: float | None = None
    """Of tokens put into the prompt cache; None: what the provider asks for all its models, else as input."""
    batch_discount: float | None = None
    """Share taken off by the batch API; None: not known."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a card is served."""

    provider: str
    name: str
    prices: tuple[Price, ...] = ()
    requests_per_minute: int | None = None
    """Of this model there; None: what the provider's entry says."""
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model, each fact with its source."""

    id: str
    developer: str
    weights: tuple[WeightsFact, ...]
    """Empty only where the model was announced and nothing more."""
    family: str | None = None
    aliases: tuple[str, ...] = ()
    """Other names that mean exactly this model, such as what its developer's API calls it."""
    status: Literal["released", "announced"] = "released"
    """``announced``: spoken of, but in no catalogue that was seen. It cannot be asked by its name."""
    repository: str | None = None
    """``org/name`` of published weights, or a path inside the package for the bundled demo models."""
    licence: str | None = None
    released: str | None = None
    retires: str | None = None
    cutoff: str | None = None
    parameters_b: float | None = None
    active_parameters_b: float | None = None
    context: int | None = None
    modalities: tuple[str, ...] = ("text",)
    rejects: tuple[str, ...] = ()
    """Parameters that its own API refuses, e.g. ``temperature``."""
    recommended: Sampling = Sampling()
    endpoints: tuple[Endpoint, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What really happened; written last, so its presence means that the run is sealed."""

    run_id: str
    plan_sha256: str
    system: System
    protocol: str
    protocol_sha256: str
    tasks: tuple[PlannedTask, ...]
    started: str
    sealed: str
    counts: Mapping[str, int]
    """Planned, answered and unanswered rows, and one count a status."""
    scorers: Mapping[str, str]
    """Scorer version by task."""
    usage: Usage
    cost_usd: float | None
    bytes_sent: int
    """Bytes of messages and images that left this machine, each attempt counted; 0 for a local system."""
    tokens_sent: int | None
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    engine: Mapping[str, Any]
    """Flags, chat template hash, dtype: whatever the adapter reports of itself."""
    checksums: Mapping[str, str]
    suite: str | None = None
    repeats: int = 1
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """Tasks that the system cannot take, with the reason; they are not compared."""
    answers_run: str | None = None
    """The run that holds the answers, where this one holds new scores of them."""
    accelerator_hours: float | None = None
    """Hours of all accelerators together, for a system that ran on this machine; loading is not counted."""
    reported_models: Mapping[str, int] = field(default_factory=dict)
    """Rows by the name under which the endpoint says that it answered, the most frequent first; none where it says none."""
    fingerprints: Mapping[str, int] = field(default_factory=dict)
    """The same by the fingerprint of what answered."""
    provenance: str = "run"
    """``run``: asked here. ``import:<format>``: results of models that nobody here ran."""


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A number that someone else published; it has no items and never enters a paired gap."""

    series: str
    model: str
    value: float
    unit: str
    source: str
    date: str | None = None
    n: int | None = None
    weights: WeightsLevel | None = None
    developer: str = ""
    """Empty: not known."""
    se: float | None = None
    """Standard error in the unit of the value; None: not published."""
    lower_is_better: bool = False
    source_date: str | None = None
    """Of when the source is: it can know no model that was released later. None: not told."""


@dataclass(frozen=True, slots=True)
class Waterfall:
    """An exact split of a gap, in points: the five parts add up to it."""

    wrong: float
    unparsed: float
    truncated: float
    empty: float
    refused: float


Verdict = Literal["closed leads", "open leads", "equivalent", "undecided"]

ReasonKind = Literal[
    # what can overrule an interval
    "few_discordant", "rare_failures", "skewed", "clusters_disagree", "too_few_clusters", "no_width", "choice_of_best",
    "missing", "missing_at_worst", "candidate_left_out",
    # what stands beside it
    "few_items", "few_clusters", "ahead_within_margin", "items_by_task", "items_left_out", "not_candidate", "variants",
    "not_all_tasks", "not_alike", "forced", "chosen_on_these_items", "protocol_unknown", "ceiling", "floor", "plumbing",
    "missing_unequally", "smaller_than_before", "older_than_cutoff", "shared_items", "level_changed",
    "another_model", "several_models", "several_fingerprints",
]  # fmt: skip
"""Everything that an interval alone does not say, by what it is about. What each means in words, and which facts it has,
is in ``harness.verdict.words``."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is, or what a reader has to know beside it. Decisions rest on this, never on its words."""

    kind: ReasonKind
    overrules: bool = False
    """The interval alone would have said something else, or something at all; the verdict is *undecided*."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Numbers and names."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far apart two systems are, and how sure that is; points throughout.

    Positive: closed ahead. ``nan`` where a figure is not defined for this comparison.
    """

    dimension: Dimension
    task: str
    closed: str
    open: str
    score_closed: float
    score_open: float
    chosen_by: str
    protocol: str
    gap: float
    se: float
    se_unpaired: float
    se_clustered: float
    ci_low: float
    ci_high: float
    ci_method: str
    ci_simultaneous: tuple[float, float]
    ci_t: tuple[float, float]
    ci_cr1: tuple[float, float]
    df: float
    n: int
    missing_closed: int
    missing_open: int
    unread_closed: float
    """Percent of the answers that came whole and in which nothing could be read; several tasks weigh equally."""
    unread_open: float
    truncated_closed: float
    """Percent of the answers that were cut off by the token limit, readable or not."""
    truncated_open: float
    clusters: int
    g_eff: float
    b10: int | None
    b01: int | None
    p_mcnemar: float
    p_wild: float
    correlation: float
    log_odds_gap: float
    detectable: float
    detectable_iid: float
    margin: float
    verdict: Verdict
    waterfall: Waterfall
    reasons: tuple[Reason, ...]
    """Those that overrule the interval come with the rest, in the order in which they are shown."""
    warnings: tuple[str, ...]
    """The reasons in words, for readers; nothing is decided by them."""
    runs: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    open_from: OpenFrom = "restricted"
    """The least open level that counted as open."""
    plug_in: float | None = None
    """Best of several: the difference of the two named, which are the best on all items. The luck of the best is in it."""
    boot_sd: float | None = None
    cross_closed: float | None = None
    """Best of several: mean score, on the other half, of what one half picked; the two differ by ``gap``."""
    cross_open: float | None = None
    candidates: Mapping[str, Any] | None = None
