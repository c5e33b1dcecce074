"""Programs that try what no program may do. One that succeeds prints ``WON``; how it fails is its own affair.

``HOME`` is a folder of the user with a file ``key`` in it, ``PARENTS`` are the processes above, and ``KEY`` is the name of
a variable in their environment.
"""

from __future__ import annotations

PREAMBLE = """
import ctypes, errno, glob, os, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
def call(x86, arm, *arguments):
    result = libc.syscall(ctypes.c_long(x86 if X86 else arm), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result
def won(what=""):
    print("WON", what)
def each(actions):
    for action in actions:
        try:
            action()
        except BaseException:
            continue
        won()
"""

SIDE_EFFECTS: dict[str, str] = {
    "environment: os.environ": "if KEY in os.environ or os.environ.get(KEY): won()",
    "environment: getenv": "libc.getenv.restype = ctypes.c_char_p\nif libc.getenv(KEY.encode()): won()",
    "environment: C environ": """
environ = ctypes.POINTER(ctypes.c_char_p).in_dll(libc, "environ")
i = 0
while environ and environ[i]:
    if KEY.encode() in environ[i]: won()
    i += 1
""",
    "environment: own /proc": "each([lambda: open('/proc/self/environ', 'rb').read()])",
    "environment: /proc of all": "each([lambda p=p: open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/environ')])",
    "environment: /proc of parents": "each([lambda p=p: open(f'/proc/{p}/environ', 'rb').read() for p in PARENTS])",
    "environment: command lines": "each([lambda p=p: open(f'/proc/{p}/cmdline', 'rb').read() for p in PARENTS])",
    "memory of parents by /proc": "each([lambda p=p: open(f'/proc/{p}/mem', 'rb').read(1) for p in [*PARENTS, os.getppid()]])",
    "memory of parents by process_vm_readv": """
buffer = ctypes.create_string_buffer(8)
local = struct.pack("QQ", ctypes.addressof(buffer), 8)
remote = struct.pack("QQ", id(sys), 8)
each([lambda p=p: call(310, 270, p, local, 1, remote, 1, 0) for p in [*PARENTS, os.getppid()]])
""",
    "memory of parents by process_vm_writev": """
buffer = ctypes.create_string_buffer(8)
local = struct.pack("QQ", ctypes.addressof(buffer), 8)
remote = struct.pack("QQ", id(sys), 8)
each([lambda p=p: call(311, 271, p, local, 1, remote, 1, 0) for p in [*PARENTS, os.getppid()]])
""",
    "own memory holds no key": """
import gc
for thing in gc.get_objects():
    if isinstance(thing, dict) and KEY in thing and thing is not globals(): won()
""",
    "files: read a file of the user": "each([lambda: open(HOME + '/key').read()])",
    "files: read system files": "each([lambda p=p: open(p).read() for p in ('/etc/passwd', '/etc/shadow', '/etc/hostname', '/proc/cpuinfo', '/proc/1/status', '/sys/kernel/ostype', '/var/log/dpkg.log')])",
    "files: list folders": "each([lambda p=p: os.listdir(p) for p in ('/', '/etc', '/proc', '/home', '/root', '/tmp', '/usr', '/dev', HOME, '..')])",
    "files: by a path that climbs": "each([lambda: open('../' * 30 + HOME.lstrip('/') + '/key').read(), lambda: open('/usr/lib/' + '../' * 9 + HOME.lstrip('/') + '/key').read()])",
    "files: by a descriptor of a folder": "each([lambda: os.open('key', os.O_RDONLY, dir_fd=os.open(HOME, os.O_PATH))])",
    "files: by changing the folder": "os.chdir(HOME)\neach([lambda: open('key').read(), lambda: open('new', 'w')])",
    "files: by openat2": "each([lambda: call(437, 437, -100, (HOME + '/key').encode(), struct.pack('QQQ', 0, 0, 0), 24)])",
    "files: by open_by_handle": "each([lambda: call(304, 265, -100, bytes(16), 0), lambda: call(303, 264, -100, HOME.encode(), bytes(128), ctypes.byref(ctypes.c_int()), 0)])",
    "files: write beside": "each([lambda p=p: open(p, 'w') for p in (HOME + '/new', '/tmp/opengap-won', '/dev/shm/won', '/usr/lib/won', '../won', os.__file__)])",
    "files: truncate": "each([lambda: os.truncate(HOME + '/key', 0), lambda: open(HOME + '/key', 'r+'), lambda: os.open(HOME + '/key', os.O_TRUNC)])",
    "files: remove and rename": "each([lambda: os.unlink(HOME + '/key'), lambda: os.rename(HOME + '/key', 'mine'), lambda: os.rmdir(HOME), lambda: os.rename(HOME + '/key', HOME + '/k')])",
    "files: modes, owners, times": "each([lambda: os.chmod(HOME + '/key', 0o777), lambda: os.chown(HOME + '/key', 1, 1), lambda: os.utime(HOME + '/key'), lambda: os.setxattr(HOME + '/key', 'user.a', b'b'), lambda: os.chmod('.', 0o777)])",
    "files: links": "each([lambda: os.symlink(HOME, 'to') or os.listdir('to'), lambda: os.link(HOME + '/key', 'to') or 1, lambda: os.symlink('/etc/passwd', 'p') or open('p').read(), lambda: os.link(os.__file__, 'os')])",
    "files: devices and pipes": "each([lambda: os.mknod('d', 0o60666, os.makedev(8, 0)), lambda: os.mkfifo('f'), lambda: open('/dev/mem'), lambda: open('/dev/kmsg'), lambda: open('/dev/tty'), lambda: open('/dev/ptmx')])",
    "files: watching": "each([lambda: call(294, 26, 0), lambda: call(300, 262, 0, 0)])",
    "files: mounts": "each([lambda: libc.mount(b'none', b'.', b'tmpfs', 0, None) and 1 / 0, lambda: os.chroot('.'), lambda: call(428, 428, -100, b'/', 0), lambda: call(430, 430, b'tmpfs', 0), lambda: call(155, 41, b'.', b'.'), lambda: call(166, 39, b'/', 2)])",
    "network: every family": "each([lambda f=f, t=t: socket.socket(f, t, 0) for f in range(1, 46) for t in (1, 2, 3)])",
    "network: socket pairs": "each([lambda: socket.socketpair(), lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)])",
    "network: by descriptors that are open": """
for number in range(64):
    each([lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=number).sendall(b'x'),
          lambda: libc.connect(number, struct.pack('H14s', 1, b'/tmp/x'), 16) and 1 / 0,
          lambda: libc.bind(number, struct.pack('H14s', 1, b'\\0x'), 16) and 1 / 0, lambda: libc.accept(number, 0, 0) == -1 and 1 / 0])
""",
    "processes: fork": "each([lambda: os.fork() or os._exit(0), lambda: libc.fork() == -1 and 1 / 0, lambda: libc.vfork() == -1 and 1 / 0, os.forkpty])",
    "processes: clone": "each([lambda f=f: call(56, 220, f, 0, 0, 0, 0) for f in (17, 0x11, 0x100, 0x4000 | 17, 0x10000000 | 17, 0x00010000 | 17, 0x20000000 | 17, 0x3d0f00 | 0x10000000)])",
    "processes: clone3": "each([lambda: call(435, 435, struct.pack('11Q', 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88)])",
    "processes: clone with a high half": "each([lambda: call(56, 220, ctypes.c_ulong(0x100000000 | 0x11), 0, 0, 0, 0)])",
    "processes: subprocess": "import subprocess\neach([lambda: subprocess.run(['true'], check=True), lambda: os.system('true') and 1 / 0, lambda: os.posix_spawn('/bin/true', ['true'], {}), lambda: os.popen('echo 1').read()[0]])",
    "processes: multiprocessing": "import multiprocessing\neach([lambda: multiprocessing.Process(target=print).start(), lambda: multiprocessing.Pool(1)])",
    "processes: daemon": "each([lambda: libc.daemon(1, 1) and 1 / 0])",
    "exec": "each([lambda: os.execv('/bin/sh', ['sh', '-c', 'echo WON']), lambda: os.execv(sys.executable, ['python', '-c', 'print(\"WON\")']), lambda: call(322, 281, 3, b'', 0, 0, 0x1000)])\nlibc.execv(b'/bin/echo', (ctypes.c_char_p * 3)(b'echo', b'WON', None))",
    "exec from memory": "each([lambda: os.memfd_create('x'), lambda: call(319, 279, b'x', 0), lambda: call(447, 447, 0)])",
    "exec what it wrote": """
open('tool', 'w').write('#!/bin/sh\\necho WON\\n')
each([lambda: os.chmod('tool', 0o755), lambda: os.execv('tool', ['tool']), lambda: os.execv('/lib64/ld-linux-x86-64.so.2', ['ld', '/bin/true'])])
""",
    "signals: to the parents": "import signal\neach([lambda p=p, s=s: os.kill(p, s) for p in [*PARENTS, os.getppid()] for s in (0, 9, 15, 19)])",
    "signals: to all and to groups": "each([lambda: os.kill(-1, 0), lambda: os.killpg(0, 0), lambda: os.killpg(1, 0)])",
    "signals: by other calls": "each([lambda: call(200, 130, os.getppid(), 0), lambda: call(234, 131, os.getppid(), os.getppid(), 0), lambda: call(129, 138, os.getppid(), 0, bytes(128)), lambda: call(424, 424, 3, 0, 0, 0), lambda: os.pidfd_open(os.getppid())])",
    "signals: by the owner of a descriptor": "import fcntl\neach([lambda f=f: fcntl.fcntl(f, 8, os.getppid()) for f in range(4)] + [lambda f=f: fcntl.fcntl(f, 15, bytes(8)) for f in range(4)])",
    "signals: by the limits of the parent": "import resource\neach([lambda p=p: resource.prlimit(p, resource.RLIMIT_CPU, (0, 0)) for p in [*PARENTS, os.getppid()]])",
    "limits: raised again": "import resource\neach([lambda r=r: resource.setrlimit(r, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)) for r in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)])",
    "tracing": "each([lambda r=r, p=p: call(101, 117, r, p, 0, 0) for r in (0, 16, 0x4206) for p in [*PARENTS, os.getppid()]])",
    "descriptors of others": "each([lambda: os.pidfd_open(os.getppid()), lambda: call(438, 438, 3, 0, 0), lambda: os.listdir(f'/proc/{os.getppid()}/fd'), lambda: open(f'/proc/{os.getppid()}/fd/1')])",
    "namespaces": "each([lambda f=f: call(272, 97, f) for f in (0x20000, 0x10000000, 0x40000000, 0x20000000, 0)] + [lambda: call(308, 268, 0, 0)])",
    "io_uring": "each([lambda: call(425, 425, 8, ctypes.create_string_buffer(120)), lambda: call(426, 426, 3, 1, 1, 0, 0, 0), lambda: call(427, 427, 3, 0, 0, 0)])",
    "bpf and perf": "each([lambda: call(321, 280, 0, ctypes.create_string_buffer(128), 128), lambda: call(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0)])",
    "keyrings": "each([lambda: call(248, 217, b'user', b'n', b'p', 1, -3), lambda: call(249, 218, b'user', b'n', 0, -3), lambda: call(250, 219, 0, -3, 1)])",
    "kernel interfaces": "each([lambda: call(323, 282, 0), lambda: call(175, 105, 0, 0, b''), lambda: call(246, 104, 0, 0, 0, 0), lambda: call(169, 142, 0, 0, 0), lambda: call(103, 116, 3, ctypes.create_string_buffer(64), 64), lambda: call(135, 92, 0x0400000), lambda: call(170, 161, b'x', 1)])",
    "x32 and 32-bit calls": "each([lambda: call(0x40000000 | 41, 0x40000000 | 198, 2, 1, 0), lambda: call(0x40000000 | 57, 0x40000000 | 220)])",
    "confinement undone": "each([lambda: libc.prctl(38, 0, 0, 0, 0) and 1 / 0, lambda: call(317, 277, 1, 0, 0), lambda: call(446, 446, 3, 0), lambda: libc.prctl(22, 0, 0, 0, 0) and 1 / 0])",
    "identity": "each([lambda: os.setuid(1), lambda: os.setgid(1), lambda: os.setgroups([]), lambda: call(126, 91, bytes(8), bytes(24)), os.setsid, lambda: os.setpgid(0, 0)])",
    "shared memory": "each([lambda: call(29, 194, 1, 4096, 0o1777), lambda: call(30, 196, 0, 0, 0), lambda: call(68, 186, 1, 0o1777), lambda: call(240, 180, b'q', 0x42, 0o600, 0), lambda: open('/dev/shm/x', 'w')])",
    "terminal input": "import fcntl, termios\neach([lambda f=f: fcntl.ioctl(f, termios.TIOCSTI, b'x') for f in range(4)] + [lambda: fcntl.ioctl(1, 0x541C, b'\\x02')])",
    "machine code that calls the kernel": """
import mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(b"\\xb8\\x39\\x00\\x00\\x00\\x0f\\x05\\xc3" if X86 else b"\\xc0\\x03\\x5f\\xd6")
run = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
if X86 and run() >= 0: won()
""",
    "machine code that calls the 32-bit kernel": """
import mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write(b"\\xb8\\x02\\x00\\x00\\x00\\xcd\\x80\\xc3")
run = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
if X86 and run() >= 0: won()
""",
}
"""Attack -> what it tries after the preamble."""

EXHAUSTION: dict[str, tuple[str, tuple[str, ...]]] = {
    "memory": ("a = []\nwhile True: a.append(bytearray(1 << 20))", ("exited", "signal")),
    "memory by mapping": ("import mmap\na = []\nwhile True: a.append(mmap.mmap(-1, 1 << 24)); a[-1].write(b'x' * (1 << 24))", ("exited",)),
    "CPU": ("while True: pass", ("cpu",)),
    "CPU in one C call": ("9 ** 9 ** 9", ("cpu", "exited")),
    "CPU in a regular expression": ("import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')", ("cpu",)),
    "sleep": ("import time\ntime.sleep(10000)", ("wall",)),
    "disk by one file": ("f = open('f', 'wb')\nwhile True: f.write(b'x' * (1 << 20))", ("exited",)),
    "disk by many files": ("i = 0\nwhile True:\n    open(str(i), 'wb').write(b'x' * (4 << 20)); i += 1", ("disk", "cpu")),
    "files": ("i = 0\nwhile True:\n    open(str(i), 'w').close(); i += 1", ("disk", "cpu")),
    "folders in folders": ("import os\nwhile True: os.mkdir('d'); os.chdir('d')", ("disk", "cpu")),
    "folders closed to all": ("import os\nos.mkdir('d', 0); os.mkdir('e'); os.mkdir('e/f', 0)", ("exited",)),
    "descriptors": ("import os\na = []\nwhile True: a.append(os.dup(0))", ("exited",)),
    "threads": ("import threading, time\nthreading.stack_size(32768)\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()", ("exited", "threads")),
    "recursion": ("import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): f()\nf()", ("signal", "exited", "cpu")),
    "recursion in C": ("import sys\nsys.setrecursionlimit(10 ** 9)\na = []\nfor _ in range(10 ** 6): a = [a]\nrepr(a)", ("signal", "exited", "cpu")),
    "output": ("while True: print('x' * 100000)", ("exited", "cpu")),
    "errors": ("import sys\nwhile True: sys.stderr.write('x' * 100000)", ("exited", "cpu")),
    "output by descriptor": ("import os\nwhile True: os.write(1, b'x' * 100000)", ("exited", "cpu")),
    "every signal ignored": ("import signal\nfor s in range(1, 65):\n    try: signal.signal(s, signal.SIG_IGN)\n    except Exception: pass\nwhile True: pass", ("cpu",)),
    "every signal handled": ("import signal\nfor s in range(1, 65):\n    try: signal.signal(s, lambda *a: None)\n    except Exception: pass\nwhile True: pass", ("cpu",)),
    "errors swallowed": ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", ("cpu",)),
    "input never read": ("print(1)", ("exited",)),
    "raises in __del__": ("class A:\n    def __del__(self): raise ValueError\na = A()", ("exited",)),
    "threads that outlive it": ("import threading, time\nthreading.Thread(target=time.sleep, args=(9999,)).start()", ("wall",)),
    "atexit without end": ("import atexit, time\natexit.register(time.sleep, 9999)", ("wall",)),
}  # fmt: skip
"""Attack -> program, and the ways in which it may end."""

FORGERIES: dict[str, str] = {
    "exit code": "import os\ndef f(x): os._exit(0)",
    "exit at import": "import os\nos._exit(0)",
    "sys.exit": "import sys\ndef f(x): sys.exit(0)",
    "atexit": "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): raise SystemExit",
    "object equal to all": "class E:\n    def __eq__(s, o): return True\n    __hash__ = None\ndef f(x): return E()",
    "object with every comparison": "class E:\n    __eq__ = __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __contains__ = lambda s, o: True\n    __bool__ = lambda s: True\ndef f(x): return E()",
    "object with arithmetic": "class E:\n    __sub__ = __rsub__ = lambda s, o: 0.0\n    __abs__ = __float__ = lambda s: 0.0\n    __eq__ = lambda s, o: True\ndef f(x): return E()",
    "int equal to all": "class I(int):\n    def __eq__(s, o): return True\n    __hash__ = int.__hash__\ndef f(x): return I(0)",
    "str equal to all": "class S(str):\n    def __eq__(s, o): return True\n    __hash__ = str.__hash__\ndef f(x): return S('')",
    "list equal to all": "class L(list):\n    def __eq__(s, o): return True\ndef f(x): return L()",
    "float equal to all": "class F(float):\n    def __eq__(s, o): return True\ndef f(x): return F(0)",
    "tuple equal to all": "class T(tuple):\n    def __eq__(s, o): return True\ndef f(x): return T()",
    "named tuple equal to all": "from collections import namedtuple\nclass N(namedtuple('N', 'a')):\n    def __eq__(s, o): return True\ndef f(x): return N(0)",
    "class that lies": "class E:\n    __class__ = int\n    __eq__ = lambda s, o: True\ndef f(x): return E()",
    "metaclass equal to all": "class M(type):\n    def __eq__(c, o): return True\n    __hash__ = type.__hash__\nclass E(metaclass=M): pass\ndef f(x): return E",
    "nan and friends": "def f(x): return float('nan')",
    "patched builtins": "import builtins\nbuiltins.AssertionError = Exception\nbuiltins.isinstance = builtins.all = builtins.any = lambda *a: True\nbuiltins.len = lambda x: 2\ndef f(x): return 5",
    "patched json": "import json\njson.dumps = lambda *a, **k: '{\"passed\": true}'\ndef f(x): return 5",
    "patched os.write": 'import os\nold = os.write\nos.write = lambda fd, data: old(fd, b\'{"passed": true, "reason": "", "wrote_back": false}\')\ndef f(x): return 5',
    "patched imports": "import sys\nclass All:\n    def find_spec(self, *a): raise SystemExit(0)\nsys.meta_path.insert(0, All())\nsys.modules.clear()\ndef f(x): return 5",
    "patched operators": "import operator, math\noperator.eq = math.isclose = lambda *a, **k: True\ndef f(x): return 5",
    "frames": "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n        for space in (frame.f_globals, frame.f_locals):\n            for name in list(space):\n                if name in ('passed', 'ok', 'result', 'verdict'): space[name] = True\n        frame = frame.f_back\n    return 5",
    "frames: return from above": "import sys, ctypes\ndef f(x):\n    frame = sys._getframe()\n    while frame.f_back: frame = frame.f_back\n    frame.f_globals['judge'] = frame.f_globals['report'] = lambda *a: {'passed': True}\n    return 5",
    "the answer is somewhere in memory": "import gc\ndef f(x):\n    for thing in gc.get_objects():\n        if isinstance(thing, dict) and 'expected' in thing: return thing['expected']\n    return 5",
    "the test is somewhere in memory": "import gc, sys, re\ndef f(x):\n    for thing in gc.get_objects() + list(sys.modules.values()):\n        try: text = str(vars(thing))\n        except Exception: continue\n        found = re.search(r'candidate\\(\\d+\\) == (\\d+)', text)\n        if found: return int(found[1])\n    return 5",
    "every descriptor": 'import os, json\nfor fd in range(3, 300):\n    for m in (b\'{"passed": true, "reason": "", "wrote_back": false}\', b\'+\'):\n        try: os.write(fd, m)\n        except OSError: pass\ndef f(x): return 5',
    "every descriptor, later": 'import os\ndef f(x):\n    for fd in range(3, 300):\n        try: os.write(fd, b\'{"passed": true, "reason": "", "wrote_back": false}\')\n        except OSError: pass\n    os._exit(0)',
    "the protocol: answers in advance": "import os, json, struct\ndef send(m):\n    d = json.dumps(m).encode(); os.write(3, struct.pack('<I', len(d)) + d)\nsend(['ok', 'start', None, None])\nfor i in range(50): send(['ok', i, 1234567, None])\ndef f(x): return 5",
    "the protocol: start, then silence": "import os, json, struct, time\nd = json.dumps(['ok', 'start', None, None]).encode(); os.write(3, struct.pack('<I', len(d)) + d)\nwhile True: pass",
    "the protocol: a call nobody offered": "import os, json, struct\ndef f(x):\n    d = json.dumps(['callback', 1, ['tuple', [['tuple', []], ['dict', []]]]]).encode(); os.write(3, struct.pack('<I', len(d)) + d)\n    return 5",
    "the protocol: an object of the judge's": "import os, json, struct\ndef f(x):\n    import sys\n    frame = sys._getframe()\n    while 'ticket' not in frame.f_locals: frame = frame.f_back\n    for v in (['yours', 1], ['mine', 1, 'class', 'int'], ['object', 'E', []], ['exception', 'int', []], ['type', 'eval'], {'a': 1}, ['nothing'], [], [[]], ['namedtuple', 'N', ['__eq__'], [1]], ['namedtuple', 'x;import os', [], []]):\n        d = json.dumps(['ok', frame.f_locals['ticket'], v, None]).encode(); os.write(3, struct.pack('<I', len(d)) + d)\n    return 5",
    "the protocol: a length without end": "import os\ndef f(x):\n    os.write(3, b'\\xff\\xff\\xff\\xff'); return 5",
    "the protocol: deep": "import os, struct\ndef f(x):\n    d = b'[\"ok\",' + b'[' * 100000; os.write(3, struct.pack('<I', len(d)) + d); return 5",
    "huge result": "def f(x): return 'x' * (200 << 20)",
    "huge list": "def f(x): return list(range(10 ** 7))",
    "huge number": "def f(x): return 1 << (1 << 28)",
    "cyclic result": "def f(x):\n    a = []; a.append(a); return a",
    "cyclic dict": "def f(x):\n    a = {}; a[1] = a; return a",
    "deep result": "def f(x):\n    a = 1\n    for _ in range(10 ** 5): a = [a]\n    return a",
    "endless iterator": "import itertools\ndef f(x): return itertools.count()",
    "handle": "def f(x): return f",
    "exception instead": "def f(x): raise AssertionError",
    "exception that equals": "class E(Exception):\n    __eq__ = lambda s, o: True\ndef f(x): raise E",
    "BaseException": "class E(BaseException): pass\ndef f(x): raise E",
    "StopIteration": "def f(x): raise StopIteration(1234567)",
    "exception whose text fails": "class E(Exception):\n    def __str__(self): raise self\n    args = property(lambda s: 1 / 0)\ndef f(x): raise E()",
    "kills itself": "import ctypes\ndef f(x): ctypes.string_at(0)",
    "loops": "def f(x):\n    while True: pass",
    "gc tricks": "import gc\ndef f(x):\n    for thing in gc.get_objects():\n        if callable(getattr(thing, 'fault', None)) or hasattr(thing, 'wrote_back'): thing.passed = True\n    return 5",
    "trace function": "import sys\ndef t(frame, event, arg):\n    if event == 'exception': return None\n    return t\nsys.settrace(t)\nsys.setprofile(lambda *a: None)\ndef f(x): return 5",
    "writes the sources": "import os\nfor m in ('os', 'json', 'harness.sandbox.inside'):\n    try: open(__import__('sys').modules[m].__file__, 'a').write('passed = True')\n    except OSError: pass\ndef f(x): return 5",
    "nothing defined": "pass",
    "not a function": "f = 1234567",
    "whole class as function": "class f:\n    def __new__(c, x): return super().__new__(c)\n    __eq__ = lambda s, o: True",
}
"""Forgery -> a candidate that does not compute what is asked and wants to pass all the same."""

TESTS: dict[str, str] = {
    "equal": "def check(candidate):\n    expected = 7919\n    assert candidate(12) == 7919\n    assert candidate(13) == expected + 1\n",
    "close": "import math\ndef check(candidate):\n    assert abs(candidate(12) - 7919.5) < 1e-6\n    assert math.isclose(candidate(13), 7920.5)\n",
    "swapped": "def check(candidate):\n    assert 'seven' == candidate(12)\n    assert not (candidate(13) != 'eight')\n",
    "container": "def check(candidate):\n    assert candidate(12) == [7, {'a': (9, 1)}]\n    assert candidate(13)[1]['a'] in [(9, 2)]\n",
    "raises": "def check(candidate):\n    try:\n        candidate(12)\n    except KeyError:\n        pass\n    else:\n        assert False\n    assert candidate(13) == 3\n",
    "swallows": "def check(candidate):\n    seen = []\n    for x in (12, 13):\n        try:\n            seen.append(candidate(x))\n        except:\n            seen.append(None)\n    assert seen == [7919, 7920]\n",
}
"""What the forgeries are to pass, each looking at results in another way."""
