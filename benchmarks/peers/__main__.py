"""Ours beside other packages: ``python -m benchmarks.peers --python peers/bin/python``."""

import sys

from benchmarks.peers.cli import main

if __name__ == "__main__":
    sys.exit(main())
