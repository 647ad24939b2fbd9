"""Binance's spot interface: requests, answers, errors and streams in its words."""
