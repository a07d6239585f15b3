"""Peers: the same problems for us and for other packages; agreement first, then time and memory."""
