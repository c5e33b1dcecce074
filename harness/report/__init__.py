"""What people read: charts and pages, computed from a store and the same whenever they are made again."""

from __future__ import annotations
