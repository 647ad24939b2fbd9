"""What an order is: intent, types, states, price, size, groups."""
