"""What Linux offers to lock a process in, called through ctypes: Landlock, seccomp, capabilities, no new privileges.

Everything here either works or raises OSError: nothing is tried and then done without.
Sources: Documentation/userspace-api/landlock.rst, Documentation/userspace-api/seccomp_filter.rst, prctl(2), capabilities(7).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import struct
from collections.abc import Callable, Iterable, Sequence

from harness.sandbox import syscalls

MACHINE = platform.machine()
_LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
EPERM, ENOSYS = 1, 38

# Rights of Landlock, by the version that brought them.
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG, TRUNCATE = 1 << 7, 1 << 8, 1 << 14
_FS_BITS = {1: 13, 2: 14, 3: 15, 5: 16}
_NET_FROM, _SCOPE_FROM = 4, 6
READ = READ_FILE | READ_DIR
SCRATCH = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE
"""Neither links, nor pipes, sockets and devices, nor moves between folders."""


def prctl(option: int, *arguments: int) -> None:
    """prctl(2); OSError where it fails."""
    values = [ctypes.c_ulong(one) for one in (*arguments, 0, 0, 0, 0)[:4]]
    if _LIBC.prctl(option, *values) != 0:
        _raise(f"prctl {option}")


def _raise(what: str) -> None:
    code = ctypes.get_errno()
    raise OSError(code, f"{what}: {os.strerror(code)}")


def _call(name: str, *arguments: object) -> int:
    numbers = syscalls.used_here(MACHINE) if MACHINE in syscalls.MACHINES else {}
    if name not in numbers:
        raise OSError(ENOSYS, f"{name}: not known on {MACHINE}")
    result = int(_LIBC.syscall(ctypes.c_long(numbers[name]), *arguments))
    if result < 0:
        _raise(name)
    return result


def close_from(first: int) -> None:
    """Close every descriptor from ``first`` on, however many there are."""
    _call("close_range", ctypes.c_uint(first), ctypes.c_uint(0xFFFFFFFF), ctypes.c_uint(0))


def one_arena() -> None:
    """Let malloc keep one pool for all threads: else each thread takes 64 MB of the address space that is limited."""
    mallopt = getattr(_LIBC, "mallopt", None)
    if mallopt is not None:
        mallopt(-8, 1)


def drop_capabilities() -> None:
    """Give up every capability, so that root is an ordinary user who cannot raise its limits again."""
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = struct.pack("=Ii", 0x20080522, 0)
    _call("capset", ctypes.create_string_buffer(header, 8), ctypes.create_string_buffer(24))


# ----------------------------------------------------------------------------------------------- Landlock


def landlock_version() -> int:
    """Version of the kernel's Landlock interface; 0 where there is none, or where it is switched off."""
    try:
        return _call("landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint(1))
    except OSError:
        return 0


def landlock_ruleset(readable: Iterable[str], scratch: str | None) -> int:
    """Descriptor of a ruleset: files below ``readable`` may be read, ``scratch`` may be written too, nothing else opened.

    From version 4 on TCP is refused as well, from 6 on signals and abstract sockets to others (seccomp does both
    anyway). Raises OSError without Landlock.
    """
    version = landlock_version()
    if not version:
        raise OSError(ENOSYS, "Landlock: the kernel has none (it needs Linux 5.13), or it is switched off")
    handled = (1 << max(bits for since, bits in _FS_BITS.items() if since <= version)) - 1
    attributes = struct.pack("=QQQ", handled, 3 if version >= _NET_FROM else 0, 3 if version >= _SCOPE_FROM else 0)
    size = 24 if version >= _SCOPE_FROM else 16 if version >= _NET_FROM else 8
    ruleset = _call(
        "landlock_create_ruleset", ctypes.create_string_buffer(attributes[:size], size), ctypes.c_size_t(size),
        ctypes.c_uint(0),
    )  # fmt: skip
    for path in readable:
        if os.path.exists(path):
            _add_rule(ruleset, path, (READ if os.path.isdir(path) else READ_FILE) & handled)
    if scratch is not None:
        _add_rule(ruleset, scratch, SCRATCH & handled)
    return ruleset


def _add_rule(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor), 12)
        _call("landlock_add_rule", ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0))
    finally:
        os.close(descriptor)


def landlock_restrict(ruleset: int) -> None:
    """Hold this process to a ruleset, for good. Needs ``no_new_privs``."""
    _call("landlock_restrict_self", ctypes.c_int(ruleset), ctypes.c_uint(0))


# ------------------------------------------------------------------------------------------------ seccomp

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _ERRNO, _NOTIFY = 0x7FFF0000, 0x80000000, 0x00050000, 0x7FC00000
_NUMBER, _ARCH, _ARGUMENT = 0, 4, 16

# The flags with which glibc and musl make a thread, and no others: no process, no namespace.
_THREAD_FLAGS = (0x3D0F00, 0x7D0F00)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_FCNTL = (0, 1, 2, 3, 1030)
# TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)

Instruction = tuple[int, int, int, int]


def seccomp_filter(machine: str = MACHINE, watched: bool = False) -> bytes:
    """The BPF program: what :mod:`harness.sandbox.syscalls` allows, and an error for everything else.

    ``watched``: everything else is shown to the listener first (seccomp_unotify(2)), who answers the same error; until
    :func:`seccomp_watched` has handed the listener over, sendmsg and seccomp are open too.

    Of 64-bit arguments the low half is compared where the kernel itself takes 32 bits, and both halves elsewhere.
    """
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, syscalls.AUDIT_ARCH[machine]), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER), (_AT_LEAST, 0, 1, syscalls.X32_BIT), (_RETURN, 0, 0, _KILL),
    ]  # fmt: skip
    for number in sorted(syscalls.allowed(machine).values()):
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for number in syscalls.unknown(machine).values():
        program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | ENOSYS)]
    refused = _NOTIFY if watched else _ERRNO | EPERM
    if watched:
        for number in syscalls.handing_over(machine).values():
            program += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    limited = syscalls.by_argument(machine)
    program += _only(limited["clone"], [(0, _THREAD_FLAGS), (0, (0,), True)], refused)
    program += _only(limited["prlimit64"], [(0, (0,))], refused)
    program += _only(limited["fcntl"], [(1, _FCNTL)], refused)
    program += _only(limited["ioctl"], [(1, _IOCTL)], refused)
    program.append((_RETURN, 0, 0, refused))
    return _assembled(program)


def _assembled(program: Sequence[Instruction]) -> bytes:
    return b"".join(struct.pack("=HBBI", *one) for one in program)


def _only(
    number: int, conditions: Sequence[tuple[int, Sequence[int]] | tuple[int, Sequence[int], bool]], refused: int
) -> list[Instruction]:
    """Allow a call if each named argument (or its high half, where the third field is true) has one of some values."""
    body: list[Instruction] = []
    for argument, values, *high in conditions:
        body.append((_LOAD, 0, 0, _ARGUMENT + 8 * argument + (4 if high else 0)))
        for index, value in enumerate(values):
            body.append((_EQUAL, len(values) - index, 0, value))
        body.append((_RETURN, 0, 0, refused))
    body.append((_RETURN, 0, 0, _ALLOW))
    return [(_EQUAL, 0, len(body), number), *body]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def seccomp_install(program: bytes, flags: int = 0) -> int:
    """Hold this process and its threads to a filter, for good. Needs ``no_new_privs``; OSError without seccomp."""
    buffer = ctypes.create_string_buffer(program, len(program))
    whole = _Program(len(program) // 8, ctypes.addressof(buffer))
    return _call("seccomp", ctypes.c_uint(1), ctypes.c_uint(flags), ctypes.byref(whole))


def seccomp_watched(hand_over: Callable[[int], object]) -> None:
    """Install the watched filter, hand the listener's descriptor over, and close the way by which it went."""
    listener = seccomp_install(seccomp_filter(watched=True), 1 << 3)
    hand_over(listener)
    os.close(listener)
    closing: list[Instruction] = [(_LOAD, 0, 0, _NUMBER)]
    for number in syscalls.handing_over(MACHINE).values():
        closing += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | EPERM)]
    seccomp_install(_assembled([*closing, (_RETURN, 0, 0, _ALLOW)]))


_NOTIF_RECEIVE, _NOTIF_SEND = 0xC0502100, 0xC0182101


def refuse_next(listener: int) -> int | None:
    """Take the next call that a watched process may not make, refuse it, and return its number; None if it is gone."""
    notice = bytearray(80)
    try:
        fcntl.ioctl(listener, _NOTIF_RECEIVE, notice)
        number = int(struct.unpack_from("=QIIi", notice)[3])
        fcntl.ioctl(listener, _NOTIF_SEND, struct.pack("=QqiI", struct.unpack_from("=Q", notice)[0], 0, -EPERM, 0))
    except OSError:
        return None
    return number
