"""A training run: Lightning's Trainer, what it trains, and what watches it."""
