"""How well a run did: from an equity curve and closed trades to figures with a stated source. Pure numpy."""
