"""Python imports this at its start where the folder is on PYTHONPATH."""

import network_guard

network_guard.install()
