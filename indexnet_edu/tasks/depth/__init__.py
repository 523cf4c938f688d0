"""Depth estimation: Tables 10 and 11. The costs of Table 10 are counted; it is not trained yet."""
