"""The charts of the report. A new one is a function ``(Facts, Theme) -> Figure`` and a line in ``CHARTS``."""

from __future__ import annotations
