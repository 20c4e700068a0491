"""The built-in optimisers and schedules of the learning rate."""
