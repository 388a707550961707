"""Film reviews as words, phrases and opinions."""
