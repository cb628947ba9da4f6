"""Looking ahead: empty until the planner exists."""
