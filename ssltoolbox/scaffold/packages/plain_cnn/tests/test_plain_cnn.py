"""The number of features depends on width and depth."""

import torch
from ssltoolbox_plain_cnn import PlainCNNOptions
from ssltoolbox_plain_cnn.network import PlainCNN

from ssltoolbox.api import BackboneSetting


def test_each_layer_doubles_the_channels() -> None:
    network = PlainCNN(PlainCNNOptions(width=4, depth=3), BackboneSetting("plain_cnn", image_size=32))
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 16)
