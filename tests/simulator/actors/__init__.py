"""Who takes part in a simulation; each step is a function of the world."""
