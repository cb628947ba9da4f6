"""What the node can say: channels with units and ranges, telemetry packets."""
