"""What notebook 07 calls."""

from ...viz.palette import Style, add_styles

add_styles({
    # What a denoiser starts from, and those that learn nothing
    "clean": Style("clean image", "#F0F2E8"),
    "noisy_input": Style("noisy input", "#A2C6A2", ":", "o"),
    "non_local_means": Style("non-local means", "#03320F", "--", "H"),
    "total_variation": Style("total variation", "#80E07B", "-.", "8"),
    # Nothing goes down or up
    "dncnn": Style("DnCNN, full resolution", "#6600CC", "-", "s"),
    # Rows that are no IndexNet: the pair that each is made with
    "dncnn_segnet": "maxpool_maxunpool",
    "dncnn_max_carafe": "maxpool_carafe",
    "dncnn_avg_carafe": "avgpool_carafe",
    "dncnn_conv_carafe": "conv_carafe",
})  # fmt: skip
