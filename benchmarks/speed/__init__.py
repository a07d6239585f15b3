"""Scripts that measure time: ``python -m benchmarks.speed.<name>``."""
