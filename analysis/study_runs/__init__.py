"""The study of analysis/results/README.md: which runs it has, and what they say."""
