"""What a table must be, and how its cells are read: the contract and its entries, spellings of numbers and dates,
words, cells that hold several values, files of delimited text."""
