"""What the programs say on a terminal, and in which letters."""
