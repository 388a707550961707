"""Measurements of the project, side by side in one run; nothing here is imported by the pipeline."""
