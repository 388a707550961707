"""The textbook's experiments, a module each, which stage ``labs`` runs; ``laboratory`` is what they share."""
