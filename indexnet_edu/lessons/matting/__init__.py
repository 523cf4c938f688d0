"""What notebook 06 calls."""

from ...viz.palette import Style, add_styles

add_styles({
    # Those that learn nothing
    "half": Style("one half everywhere", "#C5DDA9", ":", "o"),
    "nearest_colours": Style("nearest known colours", "#41563D", "--", "H"),
    "closed_form": Style("closed-form matting", "#654B67", "-.", "8"),
    "knn": Style("KNN matting", "#9972AB", ":", "d"),
    # Table 4
    "b1": Style("B1, DeepLabv3+", "#00DCFF", ":", "p"),
    "b2": Style("B2, RefineNet", "#6B96FF", ":", "P"),
    "b3": Style("B3, DeepMatting", "#840029", "-", "v"),
    "b4": Style("B4, DeepMatting, bilinear", "#F66A7C", ":", "v"),
    "b5": Style("B5, max unpooling", "#A44830", "-", "^"),
    "b6": Style("B6, bilinear", "#605DC5", "--", "s"),
    "b7": Style("B7, max unpooling, ASPP", "#A87752", "-.", "^"),
    "b8": Style("B8, max unpooling, skip", "#FA69D0", "--", "<"),
    "b9": Style("B9, max unpooling, skip, ASPP", "#A02CA0", "-.", "<"),
    "b10": Style("B10, max unpooling, concat", "#C89463", "--", ">"),
    "b11": Style("B11, max unpooling, concat, ASPP", "#64227B", "-.", ">"),
    # What Tables 5 and 6 add
    "b11_1.4": Style("B11-1.4", "#DE62F6", "-", "D"),
    "b11_carafe": "maxpool_carafe",
    "deepmatting_refined": Style("DeepMatting with refinement", "#C099A1", "-", "X"),
    "m2o-nonlinear_context-sigmoid": Style("M2O, sigmoid / sigmoid", "#8129CA", "--", "*"),
    "m2o-nonlinear_context-softmax": Style("M2O, softmax / softmax", "#A24AF1", "-.", "*"),
    "m2o-nonlinear_context-softmax+sigmoid": "m2o",
})  # fmt: skip
