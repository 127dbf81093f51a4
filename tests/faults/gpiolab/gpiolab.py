"""
Boots the private kernel (`make gpiolab`) around one command: GPIO lines to pull, clocks to set, a plug to pull.

    gpiolab.py [--share DIR]… [--disk FILE:PLACE]… [--mem 512M] [--timeout 120] [--power-cut S] [--init] -- COMMAND …

The command sees the files of the machine outside; what it changes is gone afterwards, except below a --share (a folder
of the machine outside) and on a --disk (an ext4 image, mounted at PLACE). `/run/strips/line17/pull` takes `pull-up`
and `pull-down`: the contact of a strip on GPIO 17 of the chip named in `/run/strips/chip`. --power-cut, or SIGTERM to
this program, pulls the plug: what the kernel inside had not brought to its disks is gone. With --init the command is
the first process (systemd), which ends the machine itself; the exit status is then 125.

Exit status: the command's; 124 after --timeout, 125 when nothing was started, 137 after a cut. Needs x86-64 and root.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[2]
TIMED_OUT, NOT_STARTED, CUT = 124, 125, 137
NOT_HANDED_ON = {"PWD", "OLDPWD", "SHLVL", "_"}


class Cut(Exception):
    """Someone pulls the plug."""


def find_kernel() -> Path | None:
    """Where TRACKSIDE_GPIOLAB says, where `make gpiolab` puts it, or beside the project."""
    told = os.environ.get("TRACKSIDE_GPIOLAB")
    places = [Path(told)] if told else [PROJECT / ".gpiolab", PROJECT.parent / "shared/gpiolab"]
    return next((place / "linux" for place in places if os.access(place / "linux", os.X_OK)), None)


def write_boot(lab: Path, command: Sequence[str], shares: Sequence[Path], disks: Sequence[tuple[Path, str]]) -> None:
    """What boot.sh reads inside."""
    mounts = [("hostfs", str(share), str(share)) for share in shares]
    mounts += [("ext4", f"ubd{chr(ord('a') + index)}", place) for index, (_, place) in enumerate(disks)]
    (lab / "mounts").write_text("".join("\t".join(mount) + "\n" for mount in mounts))
    handed_on = {name: value for name, value in os.environ.items() if name.isidentifier() and name not in NOT_HANDED_ON}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in handed_on.items()]
    lines += [f"cd {shlex.quote(str(Path.cwd()))} || exit {NOT_STARTED}", f"exec {shlex.join(command)}"]
    (lab / "command.sh").write_text("\n".join(lines) + "\n")


def kernel_line(kernel: Path, lab: Path, memory: str, disks: Sequence[tuple[Path, str]]) -> list[str]:
    """The kernel as a command."""
    words = [str(kernel), f"mem={memory}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet"]
    words += ["con=null", "con0=fd:0,fd:1", f"uml_dir={lab}/", "umid=machine"]
    words += [f"ubd{chr(ord('a') + index)}={image}" for index, (image, _) in enumerate(disks)]
    if not disks:  # without one the kernel complains
        (lab / "no-disk").write_bytes(bytes(4_096))
        words.append(f"ubda={lab / 'no-disk'}")
    return [*words, f"init={HERE / 'boot.sh'}", f"LAB={lab}"]


def boot(options: argparse.Namespace, lab: Path) -> int:
    """One life of the machine; its exit status."""
    write_boot(lab, options.command, options.share, options.disk)
    if options.init:
        (lab / "is-init").touch()
    line = kernel_line(options.kernel, lab, options.mem, options.disk)
    machine = subprocess.Popen(line, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        machine.wait(options.timeout if options.power_cut is None else options.power_cut)
    except (subprocess.TimeoutExpired, Cut) as end:
        os.killpg(machine.pid, signal.SIGKILL)
        machine.wait()
        return TIMED_OUT if options.power_cut is None and not isinstance(end, Cut) else CUT
    status = lab / "status"
    return int(status.read_text()) if status.exists() else NOT_STARTED


def main() -> int:
    """The program."""
    options = _parser().parse_args()
    if options.command[:1] == ["--"]:
        del options.command[0]
    if not options.command:
        sys.exit("gpiolab: no command was given after --")
    if options.kernel is None:
        sys.exit("gpiolab: there is no private kernel here. Type: make gpiolab")

    def pull_the_plug(_number: int, _frame: object) -> None:
        raise Cut

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pull_the_plug)
    try:
        with tempfile.TemporaryDirectory(prefix="gpiolab-") as lab:
            return boot(options, Path(lab))
    except Cut:  # before the kernel ran, or after
        return CUT


def _disk(words: str) -> tuple[Path, str]:
    image, _, place = words.rpartition(":")
    return Path(image).resolve(), place


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", type=Path, default=find_kernel(), help="the private kernel (default: found)")
    parser.add_argument("--share", type=lambda word: Path(word).resolve(), action="append", default=[])
    parser.add_argument("--disk", type=_disk, action="append", default=[], metavar="FILE:PLACE")
    parser.add_argument("--mem", default="512M")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds")
    parser.add_argument("--power-cut", type=float, metavar="S", help="pull the plug after S seconds")
    parser.add_argument("--init", action="store_true", help="the command is the machine's first process")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
