"""From a wish to trade to a judged, recorded order, and every change of it that our side decides."""
