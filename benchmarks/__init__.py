"""How fast Nightside is: `make bench` prints the tables and writes build/bench/*.json."""
