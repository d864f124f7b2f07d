from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs parents that are left")
CHILD = (
    "import time; from core.system.parent import end_with; end_with({parent}); print('here', flush=True); "
    "time.sleep(60)"
)
PARENT = f"""
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}.format(parent=os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def ends(process: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while psutil.pid_exists(process) and time.monotonic() < end:
        time.sleep(0.02)
    return not psutil.pid_exists(process)


def test_process_stays_with_its_parent_and_ends_when_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert not ends(child, 1.5)
        parent.kill()
        assert ends(child, 20)


def test_process_whose_parent_has_ended_before_ends_at_once() -> None:
    started = time.monotonic()
    code = "import time; from core.system.parent import end_with; end_with(0); time.sleep(60)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 1
    assert time.monotonic() - started < 30
