"""Runs model-written Python and says whether its tests passed. The security boundary: knows nothing of the house.

What this level covers: a fresh ``python -I`` process a program, with an empty environment (no keys to read), an empty
temporary folder as its working directory, no inherited file descriptors, a process group that is killed as a whole,
and limits on CPU time, memory, file size and open files.

What it does not cover: the program runs as the same user, so it can read this user's files and reach the network; a
child that starts a session of its own outlives the verdict; a program written to do so can forge its verdict (find the
token, return an object that equals everything); and it can import whatever is installed beside the harness. Code tasks
are therefore refused unless ``--allow-code-execution`` was given, and the level is stored with every result.
"""

from __future__ import annotations

from harness.sandbox.process import LEVEL, Verdict, check

__all__ = ["LEVEL", "Verdict", "check"]
