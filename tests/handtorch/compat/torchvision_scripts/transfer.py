"""Fine-tuning as tutorials do it: ImageFolder, transforms.v2, resnet18 whose last layer alone is trained."""

import os

import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from torchvision import datasets, models
from torchvision.io import read_image
from torchvision.models.resnet import BasicBlock
from torchvision.transforms import functional as TF
from torchvision.transforms import v2

if __name__ == "__main__":
    torch.manual_seed(0)
    data_transforms = {
        "train": v2.Compose(
            [
                v2.ToImage(),
                v2.RandomResizedCrop(32, scale=(0.8, 1.0), antialias=True),
                v2.RandomHorizontalFlip(p=0.5),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            ]
        ),
        "val": v2.Compose(
            [
                v2.Resize(36),
                v2.CenterCrop(32),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            ]
        ),
    }
    image_datasets = {
        x: datasets.ImageFolder(os.path.join("hymenoptera", x), data_transforms[x]) for x in data_transforms
    }
    loaders = {x: DataLoader(image_datasets[x], batch_size=8, shuffle=x == "train") for x in image_datasets}
    print("classes", image_datasets["train"].classes, {x: len(image_datasets[x]) for x in image_datasets})

    model = models.resnet18(weights=None)
    print("blocks", sum(isinstance(m, BasicBlock) for m in model.modules()))
    for param in model.parameters():
        param.requires_grad = False
    model.fc = nn.Linear(model.fc.in_features, len(image_datasets["train"].classes))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = torch.optim.SGD(model.fc.parameters(), lr=0.01, momentum=0.9)
    for _ in range(3):
        for phase in ("train", "val"):
            model.train(phase == "train")
            right = 0
            for inputs, labels in loaders[phase]:
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                right += torch.sum(outputs.argmax(1) == labels).item()
            print(phase, "right", right, "of", len(image_datasets[phase]))
    picture = read_image(image_datasets["val"].samples[0][0])
    print("picture", tuple(TF.resize(picture, [16, 24]).shape), picture.dtype)
