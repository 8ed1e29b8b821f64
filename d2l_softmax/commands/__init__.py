"""The commands: one file each, its options and its work side by side; and what all share."""
