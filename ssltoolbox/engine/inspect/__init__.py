"""Inspects a run, a recipe or a network: pictures, features, reports, exports."""
