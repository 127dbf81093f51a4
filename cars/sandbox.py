"""
Walls around this process, put up by itself before it reads what a stranger sent.

Limits, no new privileges, Landlock (no file can be opened, no TCP) and a seccomp list of the few system calls that
reading and writing open files takes; what is not on it fails with EPERM. Each wall stands where the kernel has it;
`close_in` says which do. Linux on 64-bit x86 and ARM; elsewhere the limits alone.
"""

import ctypes
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable

from cars.inspection import Wall

MIB = 1 << 20
MAX_MEMORY_BYTES = 640 * MIB
"""Address space: a mapped network of 256 MiB, the interpreter, and one chunk."""
MAX_FILE_BYTES = 257 * MIB
MAX_CPU_S = 5
"""A real model takes 0.3 s here and 1 s on a Pi."""
MAX_OPEN_FILES = 16

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SECCOMP_MODE_FILTER = 2
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_LANDLOCK_VERSION = 1

_LIBC = ctypes.CDLL(None, use_errno=True)

_ALLOWED = {
    # linux/arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h, the same calls:
    # read write close fstat newfstatat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn
    # pread64 pwrite64 readv writev mremap madvise getpid exit exit_group fsync fdatasync ftruncate gettimeofday
    # getrusage sigaltstack gettid futex restart_syscall clock_gettime getrandom rseq fcntl
    "x86_64": (
        *(0, 1, 3, 5, 262, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 25, 28, 39, 60, 231, 74, 75, 77, 96),
        *(98, 131, 186, 202, 219, 228, 318, 334, 72),
    ),
    "aarch64": (
        *(63, 64, 57, 80, 79, 62, 222, 226, 215, 214, 134, 135, 139, 67, 68, 65, 66, 216, 233, 172, 93, 94, 82, 83),
        *(46, 169, 165, 132, 178, 98, 128, 113, 278, 293, 25),
    ),
}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


def close_in() -> tuple[Wall, ...]:
    """Put up every wall that this kernel has; answers which. There is no way back."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    _LIBC.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    held = [Wall.LIMITS] if _limit() else []
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        held.append(Wall.NO_NEW_PRIVILEGES)
        # Both ask for it, and seccomp would forbid the calls of Landlock.
        held += [wall for wall, put_up in ((Wall.LANDLOCK, _landlock), (Wall.SECCOMP, _seccomp)) if put_up()]
    return tuple(held)


def _limit() -> bool:
    """Whether all of them stand."""
    limits = {
        resource.RLIMIT_AS: MAX_MEMORY_BYTES,
        resource.RLIMIT_CPU: MAX_CPU_S,
        resource.RLIMIT_FSIZE: MAX_FILE_BYTES,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
    }
    stand = True
    for limit, value in limits.items():
        hard = resource.getrlimit(limit)[1]
        lowest = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(limit, (lowest, lowest))
        except (ValueError, OSError):
            stand = False
    return stand


def _landlock() -> bool:
    version = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1:
        return False
    # Everything that this version knows, and no rule that would allow any of it.
    files = (1 << 13) - 1 | (1 << 13 if version >= 2 else 0) | (1 << 14 if version >= 3 else 0)
    files |= 1 << 15 if version >= 5 else 0
    rules = struct.pack("<Q", files)
    rules += struct.pack("<Q", 0b11) if version >= 4 else b""
    rules += struct.pack("<Q", 0b11) if version >= 6 else b""
    ruleset = _LIBC.syscall(_LANDLOCK_CREATE_RULESET, rules, ctypes.c_size_t(len(rules)), 0)
    return bool(ruleset >= 0 and _LIBC.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0)


def _seccomp() -> bool:
    machine = platform.machine()
    if machine not in _ALLOWED or sys.maxsize < 1 << 32:
        return False
    program = _program(_AUDIT_ARCH[machine], _ALLOWED[machine])
    rules = _Filter(len(program) // 8, program)
    return bool(_LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(rules), 0, 0) == 0)


def _program(architecture: int, allowed: Iterable[int]) -> bytes:
    """A classic BPF program over struct seccomp_data: number at 0, architecture at 4 (seccomp(2))."""
    load, jump_if_equal, give = 0x20, 0x15, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # 1 is EPERM.

    def step(code: int, if_true: int, if_false: int, value: int) -> bytes:
        return struct.pack("<HBBI", code, if_true, if_false, value)

    program = step(load, 0, 0, 4) + step(jump_if_equal, 1, 0, architecture) + step(give, 0, 0, kill)
    program += step(load, 0, 0, 0)
    for number in allowed:
        program += step(jump_if_equal, 0, 1, number) + step(give, 0, 0, allow)
    return program + step(give, 0, 0, refuse)
