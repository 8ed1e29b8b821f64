"""The book's names and calling conventions; its code runs with only the import changed."""
