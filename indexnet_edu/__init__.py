"""Index Networks, the course: learning to index for deep image upsampling.

Lu, Dai, Shen, Xu, "Index Networks" (TPAMI 2022; ICCV 2019 as "Indices Matter").
"""

__version__ = "0.1.0"
