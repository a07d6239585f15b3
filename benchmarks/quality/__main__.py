"""Our numbers beside published ones: ``python -m benchmarks.quality NAME``."""

import sys

from benchmarks.quality.cli import main

if __name__ == "__main__":
    sys.exit(main())
