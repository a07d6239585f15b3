"""Pictures of what a method did: people look before they read."""

from skransfer.inspection._embedding import plot_embedding
from skransfer.inspection._weights import plot_balance, plot_weights

__all__ = ["plot_balance", "plot_embedding", "plot_weights"]
