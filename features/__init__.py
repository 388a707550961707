"""What a row becomes: pure functions on frames and arrays, which know neither files nor the command line."""
