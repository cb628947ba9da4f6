"""Many flights of one plan, each with its own seed: `nightside sim --runs N --jobs J`."""
