"""The dataset `frames`: folders of face frames on disk, `root/identity/video/clip/*.jpg`."""
