"""What ``new`` decides of a table without a contract, each time with a reason: target, id, columns, and its budget."""
