"""Says in one sentence what is missing of the Python that the set-up is started with."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file exists for older ones
    version = ".".join(map(str, sys.version_info[:3]))
    said = "accel needs Python 3.11 or newer, and {} is {}: try `make PYTHON=python3.11 run`."
    sys.exit(said.format(sys.executable, version))
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit("This Python cannot make virtual environments: install its venv package (Debian, Ubuntu: python3-venv).")
