"""``python -m indexnet_edu``: the same as the command ``indexnet-edu``."""

import os
import sys

# ``-m`` has put the working folder first, where a learner's random.py would be taken for Python's.
if sys.path[0] == os.getcwd():
    sys.path.append(sys.path.pop(0))

from .cli import main  # noqa: E402

sys.exit(main())
