"""What pages and pictures are made with."""
