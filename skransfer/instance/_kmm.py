"""Kernel mean matching."""
