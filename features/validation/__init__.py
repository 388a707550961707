"""What ``validate`` asks beyond single columns: checks across columns and tables, drift, levels."""
