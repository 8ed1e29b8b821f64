"""What is written to disk and read back: whole files only, a run's model and its history."""
