"""Image matting: Tables 4, 5 and 6. Its costs are counted; it is not trained yet."""
