"""Segmentation: Tables 8 and 9. The costs of Table 8 are counted; it is not trained yet."""
