"""The contract as Great Expectations has it. ``validate`` alone imports this."""
