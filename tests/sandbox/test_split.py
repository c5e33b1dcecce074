"""What crosses between the test and the candidate, and what the candidate can make of it."""

from __future__ import annotations

from typing import Any

import pytest

from harness import sandbox

ECHO = "def f(*a, **n): return a[0] if a else n"


@pytest.mark.parametrize(
    "expression",
    [
        "None", "True", "0", "-1", "10 ** 400", "2 ** 63", "1.5", "float('inf')", "1e-320", "3 + 4j", "''", "'\\ud800 ä 你'",
        "b'\\x00\\xff'", "bytearray(b'x')", "[]", "[1, [2, (3,)]]", "()", "(1, 'a')", "set()", "{1, 'a'}", "frozenset([1])",
        "{}", "{1: 'a', (1, 2): [3], None: {}}", "Counter('aab')", "OrderedDict([(2, 1), (1, 2)])", "deque([1, 2], 5)",
        "defaultdict(list, {1: [2]})", "range(3, 9, 2)", "Decimal('1.10')", "Fraction(1, 3)", "date(2026, 1, 2)",
        "datetime(2026, 1, 2, 3, 4, 5, 6)", "timedelta(1, 2, 3)", "time(1, 2, 3)", "int", "str", "type(None)", "ValueError",
        "datetime(2026, 1, 2, tzinfo=timezone.utc)", "namedtuple('P', 'x y')(1, [2])",
    ],
)  # fmt: skip
def test_a_value_comes_back_equal_and_of_its_type(expression: str) -> None:
    test = (
        "from collections import *\nfrom datetime import *\nfrom decimal import *\nfrom fractions import *\n"
        f"def check(candidate):\n    value = {expression}\n    back = candidate(value)\n"
        "    assert back == value\n    assert type(back).__name__ == type(value).__name__\n    assert repr(back) == repr(value)\n"
    )
    verdict = sandbox.check(candidate=ECHO, test=test, entry_point="f")
    assert verdict.passed, verdict.reason


PASSING: dict[str, tuple[str, str]] = {
    "keywords": ("def f(a, b=0): return a - b", "assert candidate(5, b=2) == 3"),
    "an exception by its type": ("def f(x): raise KeyError(x)", "\n    try: candidate(1)\n    except KeyError as e: assert e.args == (1,)\n    else: assert 0"),
    "an exception of its own": ("class E(ValueError): pass\ndef f(): raise E('x')", "\n    try: candidate()\n    except ValueError: pass\n    else: assert 0"),
    "a generator": ("def f(n):\n    for i in range(n): yield i * i", "assert list(candidate(4)) == [0, 1, 4, 9]"),
    "an endless generator": ("import itertools\ndef f(): return itertools.count(5)", "g = candidate(); assert [next(g), next(g)] == [5, 6]"),
    "a generator is no list": ("def f():\n    yield 1", "assert candidate() != [1]"),
    "a closure": ("def f(a): return lambda b: a + b", "assert candidate(2)(3) == 5"),
    "a function as argument": ("def f(g, xs): return [g(x) for x in xs]", "assert candidate(lambda x: x * 2, [1, 2]) == [2, 4]"),
    "an error in a function as argument": ("def f(g):\n    try: return g()\n    except ZeroDivisionError: return 'caught'", "assert candidate(lambda: 1 / 0) == 'caught'"),
    "a function as argument that calls back": ("def f(g, n): return 1 if n == 0 else n * g(n - 1)", "assert candidate(lambda n: candidate(lambda m: 1, n), 3) == 6"),
    "changed list": ("def f(xs): xs.sort()", "xs = [3, 1, 2]; candidate(xs); assert xs == [1, 2, 3]"),
    "changed in depth": ("def f(g): g[0][1] = 9; g.append([5])", "g = [[1, 2], [3]]; row = g[0]; candidate(g); assert g == [[1, 9], [3], [5]] and row == [1, 9]"),
    "changed dict and set": ("def f(d, s): d['b'] = 2; s.clear()", "d, s = {'a': 1}, {1}; candidate(d, s); assert d == {'a': 1, 'b': 2} and s == set()"),
    "a class as candidate": ("class f:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n    def __len__(self): return len(self.items)", "s = candidate(); s.push(3); s.push(4); assert s.items == [3, 4] and len(s) == 2"),
    "a class that the test names": ("class Pair:\n    def __init__(self, a, b): self.a, self.b = a, b\ndef f(ps): return sum(p.a * p.b for p in ps)", "assert candidate([Pair(1, 2), Pair(3, 4)]) == 14"),
    "an instance that comes back": ("class Node:\n    def __init__(self, v): self.v, self.next = v, None\ndef f(n): n.next = Node(n.v + 1); return n", "n = Node(1); assert candidate(n).next.v == 2"),
    "subclasses arrive as what they are based on": ("from enum import IntEnum\nclass C(IntEnum):\n    RED = 3\ndef f(): return C.RED", "assert candidate() == 3 and type(candidate()) is int"),
    "dict views": ("def f(): return {'a': 1}.keys()", "assert candidate() == {'a'}"),
    "math of the test's own": ("import math\nmath.pi = 4\ndef f(): return 3.14159265358979", "assert math.isclose(candidate(), math.pi)"),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_what_is_right_passes(name: str) -> None:
    candidate, test = PASSING[name]
    verdict = sandbox.check(candidate=candidate, test=f"def check(candidate):\n    {test}\n", entry_point="f")
    assert verdict.passed, verdict.reason


def test_a_class_of_the_prompt_crosses_by_its_attributes() -> None:
    prompt = "class Tree:\n    def __init__(self, v, l=None, r=None): self.v, self.l, self.r = v, l, r\ndef f(t):\n"
    test = "def check(candidate):\n    t = candidate(Tree(1, Tree(2)))\n    assert isinstance(t, Tree) and t.r.v == 2 and t.l is None\n"
    swap = "    t.l, t.r = t.r, t.l\n    return t\n"
    verdict = sandbox.check(candidate=prompt + swap, test=test, entry_point="f", setup=prompt + "    pass\n")
    assert verdict.passed, verdict.reason
    lies = "    t.total = lambda: 9\n    return t\n"
    own = prompt.replace("def f", "    def total(self): return 0\ndef f")
    forged = sandbox.check(
        candidate=own + lies, entry_point="f", setup=own + "    pass\n",
        test="def check(candidate):\n    assert candidate(Tree(1)).total() == 9\n",
    )  # fmt: skip
    assert not forged.passed


@pytest.mark.parametrize(
    ("candidate", "test", "reason"),
    [
        (
            "def f():\n    a = []; a.append(a); return a",
            "candidate()",
            "the result cannot be carried: it contains itself",
        ),
        ("def f(): return 'x' * (9 << 20)", "candidate()", "the result cannot be carried: larger than 8 MB"),
        ("def f(x): return 1", "assert candidate(open) == 2", "AssertionError"),
        ("def f(x): return 1", "candidate(object())", "an argument cannot be carried: an argument of type object"),
        ("import os\ndef f(): os._exit(0)", "candidate()", "the program ended"),
        ("def f(): return 1", "pass\nassert", "SyntaxError: invalid syntax (<test>, line 3)"),
    ],
)
def test_a_failure_has_one_reason(candidate: str, test: str, reason: str) -> None:
    verdict = sandbox.check(candidate=candidate, test=f"def check(candidate):\n    {test}\n", entry_point="f")
    assert (verdict.passed, verdict.reason) == (False, reason)


def test_an_answer_is_not_compared_with_what_the_candidate_made_of_the_question() -> None:
    """The form runs a program that changed its arguments again without the changes, unless the tests look at them."""
    from harness.questions import Code, CodeForm

    shared: dict[str, Any] = {"prompt": "def f(xs):\n", "entry_point": "f"}
    total = Code(test="def check(candidate):\n    xs = [1, 2]\n    assert candidate(xs) == sum(xs)\n", solution="    return sum(xs)\n", **shared)  # fmt: skip
    in_place = Code(test="def check(candidate):\n    xs = [2, 1]\n    candidate(xs)\n    assert xs == [1, 2]\n", solution="    xs.sort()\n", **shared)  # fmt: skip
    form = CodeForm()
    assert form.score(total, "def f(xs):\n    return sum(xs)\n")["pass@1"] == 1
    assert form.score(total, "def f(xs):\n    xs.clear()\n    return 0\n")["pass@1"] == 0
    assert form.score(in_place, "def f(xs):\n    xs[:] = sorted(xs)\n")["pass@1"] == 1
