"""The networks that come with the toolbox: timm's."""
