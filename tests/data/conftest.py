"""Small trees of frames."""

from support.trees import put_clip as put_clip
from support.trees import put_image as put_image
