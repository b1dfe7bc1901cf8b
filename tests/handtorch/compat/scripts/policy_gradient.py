"""REINFORCE with a baseline on a corridor: walk to the right end."""

import argparse
from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical


class Corridor:
    length = 6

    def reset(self):
        self.place, self.steps = 0, 0
        return self.state()

    def state(self):
        return F.one_hot(torch.tensor(self.place), self.length).float()

    def step(self, action):
        self.place = min(max(self.place + (1 if action == 1 else -1), 0), self.length - 1)
        self.steps += 1
        done = self.place == self.length - 1 or self.steps == 20
        return self.state(), 1.0 if self.place == self.length - 1 else -0.1, done


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine = nn.Linear(Corridor.length, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


parser = argparse.ArgumentParser()
parser.add_argument("--gamma", type=float, default=0.97)
parser.add_argument("--seed", type=int, default=543)
args = parser.parse_args()
torch.manual_seed(args.seed)
env, policy = Corridor(), Policy()
optimizer = optim.Adam(policy.parameters(), lr=2e-2)
eps = torch.finfo(torch.float32).eps


def finish_episode():
    R, returns, losses = 0, deque(), []
    for r in policy.rewards[::-1]:
        R = r + args.gamma * R
        returns.appendleft(R)
    returns = torch.tensor(list(returns))
    if len(returns) > 1:
        returns = (returns - returns.mean()) / (returns.std() + eps)
    for (log_prob, value, entropy), R in zip(policy.saved, returns):
        advantage = R - value.item()
        losses.append(-log_prob * advantage + F.smooth_l1_loss(value, R.view(1)) - 0.01 * entropy)
    optimizer.zero_grad()
    loss = torch.stack(losses).sum()
    loss.backward()
    optimizer.step()
    del policy.rewards[:], policy.saved[:]
    return loss.item()


running = 0.0
for episode in range(25):
    state, done = env.reset(), False
    while not done:
        probs, value = policy(state)
        m = Categorical(probs)
        action = m.sample()
        policy.saved.append((m.log_prob(action), value, m.entropy()))
        state, reward, done = env.step(action.item())
        policy.rewards.append(reward)
    running = 0.9 * running + 0.1 * sum(policy.rewards)
    loss = finish_episode()
print("last loss", loss)
print("running reward", running)
with torch.no_grad():
    print("right", policy(torch.eye(Corridor.length))[0][:, 1].tolist())
