"""`nightside top`: a live view of a node for a terminal, from a running daemon or a recording."""
