"""A process that starts with the system's small limit of open files takes a hall's screens all the same."""

import subprocess
import sys

CHILD = """
import resource
from web.open_files import allow_open_files
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
print(allow_open_files(5_000), allow_open_files(100), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_the_soft_limit_is_raised_and_never_lowered() -> None:
    answer = subprocess.run([sys.executable, "-c", CHILD], check=True, capture_output=True, text=True)
    assert answer.stdout.split() == ["5000", "5000", "5000"]
