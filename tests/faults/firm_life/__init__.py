"""One firm from its first start to its last stop: the modules share it and follow its life in the order of their names.

Each can be run alone: the firm is then started for it.
"""
