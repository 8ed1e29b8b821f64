"""What is written and read back: every file is whole or not there."""
