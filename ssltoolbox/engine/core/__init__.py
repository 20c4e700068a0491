"""The components of a run, the stages of a step, and features of a frozen network."""
