"""Extracts face crops from videos as `identity/video/clip/0000001.jpg`; each clip follows one face."""
