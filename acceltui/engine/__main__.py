"""`python -m acceltui.engine`; see `process.py`."""

import signal
import sys
import warnings

# The guard keeps the processes of vector environments, which import this file again, from becoming engines.
if __name__ == "__main__":
    # A dropped line must never end a run, not even while torch is being imported.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Nor has anything begun yet that would have to be saved: a batch system that asks to leave now may queue it again.
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
    for number in asked:
        signal.signal(number, lambda *_: sys.exit(75))
    # Held back while the calling process became this one.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [*asked, signal.SIGHUP])
    # Libraries warn at import of what concerns their own developers.
    warnings.simplefilter("ignore", DeprecationWarning)
    from acceltui.engine.process import main

    sys.exit(main())
