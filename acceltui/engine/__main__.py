"""`python -m acceltui.engine`; see `process.py`."""

import signal
import sys
import warnings

# The guard keeps the processes of vector environments, which import this file again, from becoming engines.
if __name__ == "__main__":
    # A dropped line must never end a run, not even while torch is being imported.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Libraries warn at import of what concerns their own developers.
    warnings.simplefilter("ignore", DeprecationWarning)
    from acceltui.engine.process import main

    sys.exit(main())
