"""Encoders with the public names of their weights; a resampling pair may replace their strides."""

from .backbone import Backbone, Encoded
from .mobilenet_v2 import MobileNetV2, scaled
from .vgg16 import VGG16
from .weights import load_pretrained, read_converted, read_weights

__all__ = [
    "Backbone",
    "Encoded",
    "MobileNetV2",
    "VGG16",
    "load_pretrained",
    "read_converted",
    "read_weights",
    "scaled",
]
