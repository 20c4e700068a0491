"""From video files to face crops, `identity/video/clip/0000001.jpg`: one followed face a clip."""
