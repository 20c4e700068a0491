"""For all tests: one thread each.

Torch's threads wait by spinning, so with more of them than free cores the tests take many times as long. Set
before torch is imported, and inherited by the processes that tests start.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
