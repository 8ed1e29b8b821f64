"""Images and labels, from their files to batches."""
