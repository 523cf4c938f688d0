"""``python -m indexnet_edu``: the same as the command ``indexnet-edu``."""

import sys

from .cli import main

sys.exit(main())
