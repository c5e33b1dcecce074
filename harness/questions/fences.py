"""Finding the program in a reply: in fences, whole or broken, or bare among prose.

Fences follow CommonMark (section 4.5): three or more backticks or tildes, closed by as many or more of the same.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>[^\n`]*)$")
_MARKS = re.compile(r"```|~~~")
_PYTHON = re.compile(r"\{?\.?(?:python\d?(?:\.\d+)?|py\d?|ipython\d?|pycon|sage)?\}?", re.IGNORECASE)
_ENDS = re.compile(
    r"(?:\s*(?:<[|｜][^<>|｜\n]{1,40}[|｜]>|</s>|<(?:eos|end_of_turn|eot|endoftext|end_of_utterance)>))+\s*\Z"
)
_TURN = re.compile(r"<[|｜](?:im_end|endoftext|eot_id|end_of_text|end[▁_]of[▁_]sentence|eom_id|return)[|｜]>")
_LIKE_CODE = re.compile(
    r"[ \t\n]*(?:(?:async|def|class|from|import|for|while|if|with|try|return|assert|global|nonlocal|raise|yield|del|pass|match|lambda|"
    r"not|await)\b|[@#\"'(\[{]|[A-Za-z_][\w.]*(?:\[[^\]\n]*\]|, ?\w+)*\s*(?:[-+*/%|&^]?=|\(|:.*=))"
)
MOST_PIECES = 2000
"""A text with more lines at its margin than this is no prose with a program in it; lines with marks of fences beyond so
many are lines like any other.
"""
_DECLARES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


@dataclass(slots=True)
class Block:
    """One fenced block; ``python`` unless it is labelled as something else."""

    python: bool
    labelled: bool
    lines: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        return "\n".join(self.lines)


def extract_code(text: str, entry_point: str) -> str:
    """The program in ``text``: the last block that defines ``entry_point``, after blocks that only declare what it may
    need; else the last block that goes on with the function; else the last Python block; else the text without prose.
    """
    text = without_ends(text)
    prose, blocks, unpaired = _split(text)
    if not blocks:
        return _inline(text, entry_point) or unfenced(text, entry_point)
    python = [block.code for block in blocks if block.python and block.code.strip()]
    defining = [index for index, code in enumerate(python) if defines(code, entry_point)]
    if defining:
        return "\n".join([*_helpers(python, defining[-1], entry_point), python[defining[-1]]])
    # A fence that was opened in the prompt: what stands before the first mark is the program.
    before = unfenced(prose[0], entry_point)
    if defines(before, entry_point) or (unpaired and not blocks[0].labelled and goes_on(before)):
        return before
    bodies = [index for index, code in enumerate(python) if goes_on(code) or _assigns(code, entry_point)]
    if bodies:
        imports = [code for code in python[: bodies[-1]] if only_declares(code)]
        return "\n".join([*imports, python[bodies[-1]]])
    if python:
        return python[-1]
    return unfenced("\n".join(prose), entry_point)


def without_ends(text: str) -> str:
    """``text`` up to where its turn ends, with line ends of one kind."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    turn = _TURN.search(text) if "<" in text else None
    if turn and text[: turn.start()].strip():
        text = text[: turn.start()]
    if not text[-400:].rstrip().endswith(">"):
        return text
    return _ENDS.sub("", text[-400:]) if len(text) <= 400 else text[:-400] + _ENDS.sub("", text[-400:])


def _split(text: str) -> tuple[list[str], list[Block], bool]:
    """Prose and blocks in turn, and whether the number of marks is odd. The indent of a fence is taken off its lines."""
    prose: list[list[str]] = [[]]
    blocks: list[Block] = []
    marks, indent = "", ""
    for line, marked in _runs(text):
        fence = _FENCE.match(line) if marked else None
        if not marked:
            (blocks[-1].lines if marks else prose[-1]).append(_outdented(line, indent) if marks else line)
        elif marks:
            closes = fence and fence["marks"].startswith(marks) and not fence["info"].strip()
            if closes:
                marks = ""
                prose.append([])
            elif (
                fence and fence["info"].strip() and fence["marks"] == marks and _PYTHON.fullmatch(fence["info"].strip())
            ):
                blocks.append(_block(fence))  # the one before was never closed
                prose.append([])
            elif line.rstrip().endswith(marks) and line.count(marks) == 1 and line.strip()[0] not in "\"'#":
                blocks[-1].lines.append(line.rstrip().removesuffix(marks).removeprefix(indent))
                marks = ""
                prose.append([])
            else:
                blocks[-1].lines.append(line.removeprefix(indent))
        elif fence:
            marks, indent = fence["marks"], fence["indent"]
            blocks.append(_block(fence))
        else:
            prose[-1].append(line)
    return ["\n".join(lines) for lines in prose], blocks, bool(marks)


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with the marks of a fence by itself, and what lies between two of them as one piece; whether it has marks."""
    at = 0
    for _ in range(MOST_PIECES):
        found = _MARKS.search(text, at)
        if found is None:
            break
        begin = max(at, text.rfind("\n", at, found.start()) + 1)
        if begin > at:
            yield text[at : begin - 1], False
        end = text.find("\n", found.end())
        end = len(text) if end < 0 else end
        yield text[begin:end], True
        at = end + 1
    if at <= len(text):
        yield text[at:], False


def _outdented(lines: str, indent: str) -> str:
    return "\n".join(line.removeprefix(indent) for line in lines.split("\n")) if indent else lines


def _block(fence: re.Match[str]) -> Block:
    info = fence["info"].strip()
    language, _, rest = info.partition(" ")
    block = Block(_PYTHON.fullmatch(language) is not None, bool(info))
    if re.match(r"(?:async def|def|class|import|from|return|@)\b", rest):
        block.lines.append(rest)  # code on the fence's own line
    elif not block.python and re.match(r"(?:def|class|import|from|return)\b", info):
        block.python = True
        block.lines.append(info)
    return block


def _inline(text: str, entry_point: str) -> str | None:
    found = re.search(rf"`((?:async )?def {re.escape(entry_point)}\b[^`\n]*)`", text)
    return found.group(1) if found else None


def unfenced(text: str, entry_point: str) -> str:
    """``text`` without the prose before and after its program; ``text`` itself if there is no program in it."""
    pieces = _pieces(text.rstrip("\n")) if text.strip() else None
    if pieces is None:
        return text
    kept = [index for index, piece in enumerate(pieces) if _is_program(piece)]
    if not kept:
        return text
    whole = [pieces[index] for index in range(kept[0], kept[-1] + 1)]
    if not defines("\n".join(whole), entry_point):
        # A body: it begins at the first indented line.
        first = next((index for index, piece in enumerate(pieces) if piece[:1] in " \t"), kept[0])
        whole = [pieces[index] for index in range(min(first, kept[0]), kept[-1] + 1)]
    return "\n".join(whole) + "\n"


def _pieces(text: str) -> list[str] | None:
    """Lines that begin at the margin, each with the indented and blank lines, and what closes a bracket, after it; lines of
    prose stand alone. None: more than ``MOST_PIECES``.
    """
    pieces: list[list[str]] = []
    for line in text.split("\n"):
        margin = (
            line[:1].strip() != "" and line[:1] not in ")]}" and not re.match(r"(?:else|elif|except|finally)\b", line)
        )
        decorated = bool(pieces) and pieces[-1][0].startswith("@") and len(pieces[-1]) == 1
        prose_before = bool(pieces) and not margin and line.strip() and _is_prose(pieces[-1][0])
        if not pieces or (margin and not decorated) or (prose_before and len("".join(pieces[-1][1:]).strip()) == 0):
            pieces.append([line])
            if len(pieces) > MOST_PIECES:
                return None
        else:
            pieces[-1].append(line)
    return ["\n".join(lines) for lines in pieces]


def _is_prose(line: str) -> bool:
    """Whether a line at the margin opens no block of a program."""
    ends_prose = re.match(r"\S[^\n]*:$", line) and not re.match(
        r"(?:async|def|class|for|if|while|try|with|match|else|elif|except|finally)\b", line
    )
    return line[:1].strip() != "" and bool(ends_prose or not _LIKE_CODE.match(line))


def _is_program(piece: str) -> bool:
    if not _LIKE_CODE.match(piece):
        return False
    tree = _parsed(textwrap.dedent(piece))
    if tree is None:
        return re.match(r"(?:async def|def|class|from \w+(?:\.\w+)* import|import \w+)\b", piece) is not None
    return any(
        not (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Name | ast.Constant | ast.Compare | ast.List | ast.Tuple | ast.BinOp)
        )
        and not (isinstance(node, ast.AnnAssign) and node.value is None)
        for node in tree.body
    )


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def defines(code: str, name: str) -> bool:
    """Whether ``code`` has a function of this name."""
    return re.search(rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{re.escape(name)}\b", code, re.MULTILINE) is not None


def _assigns(code: str, name: str) -> bool:
    return re.search(rf"^{re.escape(name)}[ \t]*=", code, re.MULTILINE) is not None


def goes_on(code: str) -> bool:
    """Whether ``code`` is the rest of a function: its first line is indented, or it returns at the margin."""
    first = next((line for line in code.split("\n") if line.strip()), "")
    return first[:1] in (" ", "\t") or re.search(r"^return\b", code, re.MULTILINE) is not None


def only_declares(code: str) -> bool:
    """Whether ``code`` does nothing but import, define and assign."""
    tree = _parsed(code)
    return tree is not None and bool(tree.body) and all(isinstance(node, _DECLARES) for node in tree.body)


def _helpers(blocks: list[str], chosen: int, entry_point: str) -> list[str]:
    """Blocks before the chosen one that only declare, and those after it that define a name that it uses."""
    earlier = [b for b in blocks[:chosen] if not defines(b, entry_point) and only_declares(b)]
    if chosen + 1 == len(blocks):
        return earlier
    used = set(re.findall(r"\b[A-Za-z_]\w*(?=\()", blocks[chosen]))
    known = "\n".join([*earlier, blocks[chosen]])
    later = [
        b
        for b in blocks[chosen + 1 :]
        if any(defines(b, name) and not defines(known, name) for name in used) and only_declares(b)
    ]
    return [*earlier, *later]
