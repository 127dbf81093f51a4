"""
A root file system of its own for one car: this machine's as the lower layer, everything written goes with the car.

Runs in the car's own mount and PID name spaces (see hall_init.py); refuses nothing, undoes nothing: the kernel takes
every mount away once the last process of the car is gone.
"""

import ctypes
import os
import stat
from pathlib import Path

ROOT = Path("/mnt/car")
LAYERS = Path("/mnt")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
BIND = 0x1000
NOSUID, NODEV, NOEXEC = 2, 4, 8
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path | str, kind: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    fields = (source.encode(), str(target).encode(), kind.encode() if kind else None, flags, data.encode())
    if _libc.mount(*fields) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: {kind} at {target}")


def enter_root(opt_bytes: int) -> None:
    """Build the car's root and go there; /opt holds `opt_bytes`, as the car's disk would."""
    mount("tmpfs", LAYERS, "tmpfs")
    for name in ("upper", "work", "car"):
        (LAYERS / name).mkdir()
    layers = f"lowerdir=/,upperdir={LAYERS / 'upper'},workdir={LAYERS / 'work'}"
    mount("overlay", ROOT, "overlay", 0, layers)
    _mount_inside(opt_bytes)
    os.chroot(ROOT)
    os.chdir("/")


def _mount_inside(opt_bytes: int) -> None:
    mount("proc", ROOT / "proc", "proc", NOSUID | NODEV | NOEXEC)
    for name, options in (
        ("sys", "mode=755"),
        ("dev", "mode=755"),
        ("run", "mode=755"),
        ("tmp", "mode=1777"),
        ("home", "mode=755"),
        ("root", "mode=700"),
        ("opt", f"mode=755,size={opt_bytes}"),
    ):
        mount("tmpfs", ROOT / name, "tmpfs", 0, options)
    for name, (major, minor) in DEVICES.items():
        os.mknod(ROOT / "dev" / name, stat.S_IFCHR | 0o666, os.makedev(major, minor))
        (ROOT / "dev" / name).chmod(0o666)
    (ROOT / "dev/pts").mkdir()
    mount("devpts", ROOT / "dev/pts", "devpts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")
    (ROOT / "dev/ptmx").symlink_to("pts/ptmx")
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (ROOT / "dev" / name).symlink_to(target)
    (ROOT / "dev/shm").mkdir(mode=0o1777)
    (ROOT / "sys/class").mkdir()
    (ROOT / "run/sysfs").mkdir()
    mount("sysfs", ROOT / "run/sysfs", "sysfs", NOSUID | NODEV | NOEXEC)
    (ROOT / "sys/class/net").symlink_to("/run/sysfs/class/net")


def drop_clock_and_boot() -> None:
    """Neither this machine's clock nor its power is the car's: CAP_SYS_TIME and CAP_SYS_BOOT go for good."""
    for capability in (22, 25):
        if _libc.prctl(24, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"capability {capability} stays")
