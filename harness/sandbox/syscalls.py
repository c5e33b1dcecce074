"""System calls that a confined program may make, by name, with their numbers on the two machines we know.

The list is an allow-list: a call that is not named here is refused, those of kernels to come included. Numbers are from
the kernel's ``arch/x86/entry/syscalls/syscall_64.tbl`` and ``include/uapi/asm-generic/unistd.h``.
"""

from __future__ import annotations

from collections.abc import Mapping

ABSENT = None

_TABLE: Mapping[str, tuple[int | None, int | None]] = {
    # name: (x86_64, aarch64)
    # Descriptors that are open already, and files in the one folder that Landlock leaves.
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68), "lseek": (8, 62), "close": (3, 57), "dup": (32, 23), "dup2": (33, ABSENT), "dup3": (292, 24),
    "open": (2, ABSENT), "openat": (257, 56), "fstat": (5, 80), "stat": (4, ABSENT), "lstat": (6, ABSENT),
    "newfstatat": (262, 79), "statx": (332, 291), "access": (21, ABSENT), "faccessat": (269, 48),
    "faccessat2": (439, 439), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50),
    "mkdir": (83, ABSENT), "mkdirat": (258, 34), "rmdir": (84, ABSENT), "unlink": (87, ABSENT), "unlinkat": (263, 35),
    "rename": (82, ABSENT), "renameat": (264, 38), "renameat2": (316, 276), "readlink": (89, ABSENT),
    "readlinkat": (267, 78), "ftruncate": (77, 46), "fsync": (74, 82), "sendfile": (40, 71), "umask": (95, 166),
    "poll": (7, ABSENT), "ppoll": (271, 73), "select": (23, ABSENT), "pselect6": (270, 72), "fadvise64": (221, 223),
    # Its own memory and threads.
    "mmap": (9, 222), "munmap": (11, 215), "mremap": (25, 216), "mprotect": (10, 226), "madvise": (28, 233),
    "brk": (12, 214), "futex": (202, 98), "set_robust_list": (273, 99), "rseq": (334, 293),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "exit": (60, 93), "exit_group": (231, 94),
    # Its own signals and clocks.
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128), "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, ABSENT), "times": (100, 153),
    "getitimer": (36, 102), "setitimer": (38, 103), "alarm": (37, ABSENT),
    # What it may know about itself.
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "getrlimit": (97, 163), "getrusage": (98, 165), "uname": (63, 160),
    "sysinfo": (99, 179), "getrandom": (318, 278),
}  # fmt: skip

_BY_ARGUMENT: Mapping[str, tuple[int, int]] = {
    "clone": (56, 220),  # threads only
    "prlimit64": (302, 261),  # its own limits only
    "fcntl": (72, 25),  # nothing that sends signals to others
    "ioctl": (16, 29),  # whether a descriptor is a terminal
}

_UNKNOWN: Mapping[str, tuple[int, int]] = {
    "clone3": (435, 435),  # glibc then falls back to clone, whose flags a filter can read
    "openat2": (437, 437),
    "close_range": (436, 436),
}

_USED_HERE: Mapping[str, tuple[int, int]] = {
    "seccomp": (317, 277), "capset": (126, 91), "close_range": (436, 436),
    "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445), "landlock_restrict_self": (446, 446),
}  # fmt: skip

_HANDING_OVER: Mapping[str, tuple[int, int]] = {"sendmsg": (46, 211), "seccomp": (317, 277)}

_REFUSED: Mapping[str, tuple[int | None, int | None]] = {
    # Names for reports alone: what is refused is whatever is not allowed.
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200), "fork": (57, ABSENT),
    "vfork": (58, ABSENT), "clone": (56, 220), "execve": (59, 221), "execveat": (322, 281), "kill": (62, 129),
    "tgkill": (234, 131), "tkill": (200, 130), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "memfd_create": (319, 279), "unshare": (272, 97), "setns": (308, 268),
    "io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219),
    "add_key": (248, 217), "mount": (165, 40), "chroot": (161, 51), "chmod": (90, ABSENT), "fchmodat": (268, 53),
    "chown": (92, ABSENT), "fchownat": (260, 54), "link": (86, ABSENT), "linkat": (265, 37), "symlink": (88, ABSENT),
    "symlinkat": (266, 36), "mknod": (133, ABSENT), "mknodat": (259, 33), "truncate": (76, 45), "prctl": (157, 167),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "prlimit64": (302, 261), "ioctl": (16, 29), "fcntl": (72, 25),
    "setsid": (112, 157), "setpgid": (109, 154), "setuid": (105, 146), "setgid": (106, 144), "pipe2": (293, 59),
    "epoll_create1": (291, 20), "eventfd2": (290, 19), "wait4": (61, 260), "utimensat": (280, 88), "shmget": (29, 194),
    "inotify_init1": (294, 26), "userfaultfd": (323, 282), "setxattr": (188, 5), "fchmod": (91, 52),
}  # fmt: skip

AUDIT_ARCH: Mapping[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINES = tuple(AUDIT_ARCH)
X32_BIT = 0x40000000
"""Calls of the x32 interface carry this bit in their number, and would pass a filter that looks at the low bits."""


def _column(machine: str, table: Mapping[str, tuple[int | None, int | None]]) -> dict[str, int]:
    numbers = {name: pair[MACHINES.index(machine)] for name, pair in table.items()}
    return {name: number for name, number in numbers.items() if number is not None}


def allowed(machine: str) -> dict[str, int]:
    """Calls allowed with any argument."""
    return _column(machine, _TABLE)


def by_argument(machine: str) -> dict[str, int]:
    """Calls allowed with some arguments only; :func:`harness.sandbox.kernel.seccomp_filter` says which."""
    return _column(machine, _BY_ARGUMENT)


def unknown(machine: str) -> dict[str, int]:
    """Calls answered as by a kernel that does not have them, so that libraries fall back to older ones."""
    return _column(machine, _UNKNOWN)


def handing_over(machine: str) -> dict[str, int]:
    """Calls that a watched process needs until its listener is handed over."""
    return _column(machine, _HANDING_OVER)


def name_of(number: int, machine: str) -> str:
    """What a refused call is called, or its number."""
    names = {one: name for name, one in _column(machine, _REFUSED).items()}
    return names.get(number, f"system call {number}")


def used_here(machine: str) -> dict[str, int]:
    """Calls that the confinement itself makes and that Python has no function for."""
    return _column(machine, _USED_HERE)
