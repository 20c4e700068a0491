"""A training run: Lightning's Trainer, module, data and callbacks."""
