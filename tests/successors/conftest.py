"""Tests of the wheel where ProperDocs and MaterialX are installed; `python3 dev.py successors` runs them.

They build with the real commands, as processes: in the tests' own process the package could be another.
"""

from __future__ import annotations

# Elsewhere they are not collected by the way; the task names their files.
collect_ignore_glob = ["test_*.py"]
