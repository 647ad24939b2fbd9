"""Kraken's spot interface, its smaller part."""
