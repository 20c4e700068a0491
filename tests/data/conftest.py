"""Small trees of frames."""

from helpers.trees import put_clip as put_clip
from helpers.trees import put_image as put_image
