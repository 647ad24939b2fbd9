"""Looking for better parameters without fooling oneself: spaces, walk-forward, the probability of overfitting. Pure."""
