"""The daemon of a node: flight software of an onboard data center."""
