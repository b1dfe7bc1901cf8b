"""Custom autograd functions, hooks, mixed precision by name, and per-parameter options."""

import torch
import torch.nn as nn
from torch.autograd import Function, gradcheck
from torch.cuda.amp import GradScaler, autocast
from torch.optim.lr_scheduler import OneCycleLR


class BinaryActivation(Function):
    """The sign, with a straight-through gradient."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.sign()

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input.abs() > 1] = 0
        return grad_input


class Swish(Function):
    @staticmethod
    def forward(ctx, i, beta):
        result = i * torch.sigmoid(beta * i)
        ctx.beta = beta
        ctx.save_for_backward(i)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        i = ctx.saved_tensors[0]
        s = torch.sigmoid(ctx.beta * i)
        return grad_output * (s * (1 + ctx.beta * i * (1 - s))), None


class BinaryNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleDict({"hidden": nn.Linear(8, 32), "out": nn.Linear(32, 3)})
        self.scale = nn.Parameter(torch.ones(32))
        self.register_buffer("calls", torch.zeros(1, dtype=torch.long))

    def forward(self, x):
        self.calls += 1
        h = self.layers["hidden"](x)
        return self.layers["out"](self.scale * BinaryActivation.apply(h) + Swish.apply(h, 1.5))


torch.manual_seed(0)
x = torch.randn(4, dtype=torch.double, requires_grad=True)
print("gradcheck", gradcheck(lambda t: Swish.apply(t, 1.5), (x,)))

seen = {}


def save_activation(name):
    def hook(module, input, output):
        seen[name] = output.detach().abs().mean().item()

    return hook


model = BinaryNet()
handles = [layer.register_forward_hook(save_activation(name)) for name, layer in model.layers.items()]
norms = []
model.scale.register_hook(lambda g: norms.append(g.norm().item()))
decay = [p for n, p in model.named_parameters() if n.endswith("weight")]
rest = [p for n, p in model.named_parameters() if not n.endswith("weight")]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0, "lr": 1e-3}], lr=1e-2
)
scheduler = OneCycleLR(optimizer, max_lr=[1e-2, 1e-3], total_steps=30)
use_amp = torch.cuda.is_available()
scaler = GradScaler(enabled=use_amp)
data = torch.randn(96, 8)
target = data[:, :3].argmax(dim=1)
for step in range(30):
    batch = slice(32 * (step % 3), 32 * (step % 3) + 32)
    optimizer.zero_grad(set_to_none=True)
    with autocast(enabled=use_amp):
        loss = nn.functional.cross_entropy(model(data[batch]), target[batch])
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_value_(model.parameters(), 0.1)
    scaler.step(optimizer)
    scaler.update()
    scheduler.step()
for handle in handles:
    handle.remove()
print("loss", loss.item(), "calls", model.calls.item())
print("activations", seen["hidden"], seen["out"])
print("hook", len(norms), norms[-1])
print("lr", *scheduler.get_last_lr())
