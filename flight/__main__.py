"""`python -m flight` is `nightside`."""

import sys

from flight.cli import main

sys.exit(main())
