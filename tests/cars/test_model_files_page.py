"""docs/model-files.md says what the code does."""

from pathlib import Path

import pytest

from cars import archive, metadata, sandbox, tar_members, unpacking, virus_scan

PAGE = " ".join((Path(__file__).resolve().parents[2] / "docs/model-files.md").read_text().split())
MIB = 1 << 20


@pytest.mark.parametrize(
    "said",
    [
        f"| the file | {unpacking.MAX_PACKED_BYTES // MIB} MB,",
        f"| unpacked | {unpacking.MAX_UNPACKED_BYTES // MIB} MB, and at most {unpacking.MAX_RATIO} times the file;",
        f"`model.pb` {archive.MAX_NETWORK_BYTES // MIB} MB,",
        f"`model_metadata.json` {metadata.MAX_METADATA_BYTES // 1024} kB |",
        f"| inside | {tar_members.MAX_MEMBERS:,} files and folders;",
        f"may use {sandbox.MAX_CPU_S} seconds of one core, {sandbox.MAX_MEMORY_BYTES // MIB} MB,",
        f"a scan needs {virus_scan.ALONE_NEEDS_BYTES >> 30} GB of free memory",
    ],
)
def test_the_limits_on_the_page_are_those_of_the_code(said: str) -> None:
    assert said in PAGE
