"""The report of a flight: one HTML file for a reader who has nothing else at hand."""
