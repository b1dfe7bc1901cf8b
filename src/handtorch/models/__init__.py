"""Whole networks, ready to be trained.

============================================  ==========================================================
``MLP``                                       fully connected layers with batch normalisation and dropout
``LeNet``                                     two convolutions and three linear maps, for digits
``VGG``, ``vgg11`` ... ``vgg19_bn``           3 x 3 convolutions, many of them
``ResNet``, ``resnet18`` ... ``resnet50``     layers that learn what to add to their input
``MobileNetV2``, ``mobilenet_v2``             few operations: convolutions a channel at a time
``ConvNeXt``, ``convnext_atto`` ... ``_base`` convolutions that learnt from transformers
``CTCNetwork``                                convolutions and bidirectional LSTM: what is said in an utterance
``language``                                  LSTM and Transformer that guess the next token of a text
``generation``                                writing with a language model: sampling, streaming
============================================  ==========================================================

Where torchvision has a network, its name, arguments, first weights for a seed and state-dict keys are the same, so a
checkpoint of torchvision's loads: ``resnet18().load_state_dict(handtorch.load("resnet18-f37072fd.pth"))``.
"""

from handtorch.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "convnext": [
            "CNBlock",
            "CNBlockConfig",
            "ConvNeXt",
            "convnext_atto",
            "convnext_base",
            "convnext_small",
            "convnext_tiny",
        ],
        "ctc": ["CTCNetwork"],
        "encoder_decoder": ["EncoderDecoder", "EncoderDecoderTransformer", "ListenAttendSpell"],
        "lenet": ["LeNet"],
        "mlp": ["MLP"],
        "mobilenet": ["InvertedResidual", "MobileNetV2", "mobilenet_v2"],
        "resnet": ["BasicBlock", "Bottleneck", "ResNet", "resnet18", "resnet34", "resnet50"],
        "vgg": ["VGG", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"],
    },
    submodules=[
        "blocks",
        "convnext",
        "ctc",
        "encoder_decoder",
        "generation",
        "language",
        "lenet",
        "mobilenet",
        "resnet",
        "vgg",
    ],
)
