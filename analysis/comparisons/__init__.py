"""Compares trainings and runs: at equal cost, at equal accuracy, over seeds, beside the paper."""
