"""Many networks as one program: layers with a member axis, losses, training, search. Knows arrays only."""
