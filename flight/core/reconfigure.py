"""A state under another configuration: what parameters change in flight, and what they do not."""
