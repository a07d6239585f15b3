"""Quality: our numbers beside published ones, with the exact configuration and a verdict."""
