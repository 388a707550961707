"""What answers are worth: measures, how members become one answer, estimates with their errors, comparisons, the
checked submission."""
