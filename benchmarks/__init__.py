"""Benchmarks: ``python -m benchmarks`` runs the methods on tasks with a domain shift."""
