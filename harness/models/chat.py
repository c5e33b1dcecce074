"""Messages to prompt tokens, the same way for every in-process engine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.types import Message

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
"""For models that come without a chat template; recorded in the receipt like any other."""


class Chat:
    """A tokenizer with its chat template."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(str(folder))
        self.plain = self.tokenizer.chat_template is None
        if self.plain:
            self.tokenizer.chat_template = PLAIN_TEMPLATE

    def tokens(self, messages: Sequence[Message]) -> list[int]:
        """Prompt token ids, shape (n,), ready for generation."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        ids = self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True, return_dict=True)
        return list(ids["input_ids"])

    def describe(self) -> dict[str, Any]:
        template = self.tokenizer.chat_template
        text = template if isinstance(template, str) else repr(template)
        return {
            "chat_template": "plain" if self.plain else "model's own",
            "chat_template_sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
