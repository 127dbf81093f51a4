"""
What ClamAV says, in its own words: the scanners here are scripts that answer as ClamAV 1.4.6 did when it was asked.

The answers were taken from clamd, clamdscan and clamscan with a signature of our own, over models with and without it;
the real ones are in test_clamav.py.
"""

import os
import sys
from pathlib import Path

import pytest

from cars import virus_scan
from cars.virus_scan import Clean, Failed, Found, NotThere, scan

NO_DAEMON = "ERROR: Could not connect to clamd on LocalSocket /run/clamav/clamd.ctl: No such file or directory"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs, besides nice."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "nice").symlink_to("/usr/bin/nice")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(folder: Path, name: str, *, status: int, out: str = "", err: str = "") -> Path:
    """A scanner that says this of any file; answers where it writes down how it was called."""
    called = folder / f"{name}.called"
    script = folder / name
    script.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(called)!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
        f"print({out!r}.replace('FILE', sys.argv[-1]))\nprint({err!r}, file=sys.stderr)\nsys.exit({status})\n"
    )
    script.chmod(0o755)
    return called


async def test_without_a_scanner_nothing_is_said(programs: Path, tmp_path: Path) -> None:
    assert await scan(tmp_path / "model.tar.gz") == NotThere()


async def test_the_daemon_gets_the_open_file(programs: Path, tmp_path: Path) -> None:
    called = put(programs, "clamdscan", status=0, out="FILE: OK")
    assert await scan(tmp_path / "model.tar.gz") == Clean()
    assert called.read_text().split("\n") == ["--fdpass", "--no-summary", str(tmp_path / "model.tar.gz")]


async def test_a_find_has_the_name_of_its_signature(programs: Path, tmp_path: Path) -> None:
    put(programs, "clamdscan", status=1, out="FILE: Trackside.Marker.UNOFFICIAL FOUND")
    assert await scan(tmp_path / "mödel FOUND.tar.gz") == Found(name="Trackside.Marker.UNOFFICIAL")


async def test_a_daemon_that_is_down_is_no_verdict(programs: Path, tmp_path: Path) -> None:
    put(programs, "clamdscan", status=2, err=NO_DAEMON)
    assert await scan(tmp_path / "model.tar.gz") == Failed(reason=NO_DAEMON)


async def test_clamscan_is_asked_when_the_daemon_is_down(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virus_scan, "ALONE_NEEDS_BYTES", 1)
    put(programs, "clamdscan", status=2, err=NO_DAEMON)
    called = put(programs, "clamscan", status=1, out="FILE: Trackside.Marker.UNOFFICIAL FOUND")
    assert await scan(tmp_path / "model.tar.gz") == Found(name="Trackside.Marker.UNOFFICIAL")
    assert called.read_text().startswith("--no-summary\n--max-filesize=500M\n")


async def test_clamscan_is_not_asked_where_memory_is_short(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virus_scan, "ALONE_NEEDS_BYTES", 1 << 60)
    called = put(programs, "clamscan", status=0, out="FILE: OK")
    assert await scan(tmp_path / "model.tar.gz") == Failed(
        reason="This machine has too little memory left for clamscan; clamdscan would need none."
    )
    assert not called.exists()


async def test_missing_signatures_are_no_verdict(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(virus_scan, "ALONE_NEEDS_BYTES", 1)
    nothing = "LibClamAV Error: cli_loaddbdir: No supported database files found in /var/lib/clamav"
    put(programs, "clamscan", status=2, err=f"{nothing}\nERROR: Can't open file or directory")
    assert await scan(tmp_path / "model.tar.gz") == Failed(reason=nothing)


async def test_a_scanner_that_hangs_is_ended(programs: Path, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    script = programs / "clamdscan"
    script.write_text(
        f"#!{sys.executable}\nimport os, signal\nopen({str(told)!r}, 'w').write(str(os.getpid()))\nsignal.pause()\n"
    )
    script.chmod(0o755)
    assert await scan(tmp_path / "model.tar.gz", timeout_s=3) == Failed(reason="It took longer than 3 s.")
    if told.exists():  # A machine that is busy may not even have begun it.
        with pytest.raises(ProcessLookupError):
            os.kill(int(told.read_text()), 0)
