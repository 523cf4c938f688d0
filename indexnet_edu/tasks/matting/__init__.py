"""Image matting: how much of each pixel is foreground, and what an index map does for fine borders.

Source: "Index Networks", Sec. 6.1 and Tables 4 to 6; what it leaves open is in docs/paper.md. The
networks, the data and the errors are here; they are not trained yet.
"""
