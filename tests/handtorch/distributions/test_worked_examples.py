"""The two uses that distributions are here for: policy gradients and variational autoencoders."""

import numpy as np

import handtorch
from handtorch import distributions as D
from handtorch import nn
from handtorch.optim import Adam


def test_reinforce_finds_the_best_arm_of_a_bandit():
    """Williams 1992: the gradient of the expected reward is E reward · d log p(action)."""
    handtorch.manual_seed(0)
    rewards = handtorch.tensor([0.1, 0.5, 0.9, 0.3])
    logits = handtorch.zeros(4, requires_grad=True)
    optimizer = Adam([logits], lr=0.1)
    for _ in range(150):
        policy = D.Categorical(logits=logits)
        actions = policy.sample((32,))
        won = rewards[actions] + 0.1 * handtorch.randn(32)
        loss = -(policy.log_prob(actions) * (won - won.mean())).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert D.Categorical(logits=logits).probs[2] > 0.9


def test_the_gradient_of_reinforce_is_on_average_that_of_the_expected_reward():
    handtorch.manual_seed(0)
    rewards = handtorch.tensor([0.1, 0.5, 0.9, 0.3])
    logits = handtorch.tensor([0.5, 0.0, -0.5, 1.0], requires_grad=True)
    policy = D.Categorical(logits=logits)
    actions = policy.sample((100_000,))
    (policy.log_prob(actions) * rewards[actions]).mean().backward()
    estimated, logits.grad = logits.grad, None
    (logits.softmax(0) * rewards).sum().backward()
    np.testing.assert_allclose(estimated.numpy(), logits.grad.numpy(), atol=3e-3)


class Autoencoder(nn.Module):
    """Kingma & Welling 2014: q(z | x) normal with the encoder's mean and deviation, p(x | z) coin flips."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 4)
        self.decoder = nn.Linear(2, 8)

    def posterior(self, x):
        mean, log_deviation = self.encoder(x).chunk(2, -1)
        return D.Independent(D.Normal(mean, log_deviation.exp()), 1)

    def likelihood(self, z):
        return D.Independent(D.Bernoulli(logits=self.decoder(z)), 1)


PRIOR = D.Independent(D.Normal(handtorch.zeros(2), handtorch.ones(2)), 1)


def bits():
    """Two kinds of pictures of eight points, with a few points flipped."""
    rng = np.random.default_rng(0)
    kinds = np.array([[1, 1, 1, 1, 0, 0, 0, 0], [0, 1, 0, 1, 0, 1, 0, 1]])[rng.integers(0, 2, 256)]
    return handtorch.tensor((kinds ^ (rng.random(kinds.shape) < 0.05)).astype(np.float32))


def test_the_divergence_term_of_the_elbo_is_what_samples_say():
    handtorch.manual_seed(0)
    q = Autoencoder().posterior(bits()[:5])
    z = q.sample((20_000,))
    by_samples = (q.log_prob(z) - PRIOR.log_prob(z)).mean(0)
    np.testing.assert_allclose(by_samples.detach().numpy(), D.kl_divergence(q, PRIOR).detach().numpy(), atol=0.05)


def test_a_variational_autoencoder_learns():
    handtorch.manual_seed(0)
    x, model = bits(), Autoencoder()
    optimizer = Adam(model.parameters(), lr=0.03)
    losses = []
    for _ in range(200):
        q = model.posterior(x)
        elbo = model.likelihood(q.rsample()).log_prob(x) - D.kl_divergence(q, PRIOR)
        optimizer.zero_grad()
        (-elbo.mean()).backward()
        optimizer.step()
        losses.append(-elbo.mean().item())
    assert losses[0] > 5
    assert np.mean(losses[-20:]) < 3.2  # one bit says which kind: log 2, and 8 entropies of flips at 0.05 make 2.3
