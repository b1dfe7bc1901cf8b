"""Independent formulas for ops/ctc.py: every alignment there is, and where they are too many, a count by prefixes."""

import itertools

import numpy as np
import scipy.special


def loss_of_all_alignments(log_probs, labels, blank):
    """-ln of the summed probabilities of all sequences of symbols (T, C) that say these labels, by trying every one."""
    frames, classes = log_probs.shape
    p = 0.0
    for walk in itertools.product(range(classes), repeat=frames):
        said = [symbol for symbol, _ in itertools.groupby(walk) if symbol != blank]
        if said == list(labels):
            p += np.exp(sum(log_probs[t, symbol] for t, symbol in enumerate(walk)))
    return -np.log(p) if p else np.inf


def loss_of_merged_prefixes(log_probs, labels, blank):
    """The same from the probability of having said the first i labels, when the last symbol is a blank or is none.

    ``said[i]`` holds the logarithms of both; unlike in the op, blanks are no states between which a walk would skip.
    """
    said = {0: (0.0, -np.inf)}
    for frame in log_probs:
        now = {}
        for i in range(len(labels) + 1):
            blank_before, label_before = said.get(i, (-np.inf, -np.inf))
            after_blank = np.logaddexp(blank_before, label_before) + frame[blank]
            after_label = -np.inf
            if i:
                earlier_blank, earlier_label = said.get(i - 1, (-np.inf, -np.inf))
                new = (
                    earlier_blank
                    if i > 1 and labels[i - 2] == labels[i - 1]
                    else np.logaddexp(earlier_blank, earlier_label)
                )
                after_label = np.logaddexp(label_before, new) + frame[labels[i - 1]]
            now[i] = (after_blank, after_label)
        said = now
    return -np.logaddexp(*said[len(labels)])


def _ctc_loss(run, logits):
    op = run.args[0]
    log_probs = logits - scipy.special.logsumexp(logits, axis=2, keepdims=True)
    losses = []
    for n, (frames, length) in enumerate(zip(op.input_lengths, op.target_lengths, strict=True)):
        few = logits.shape[2] ** int(frames) < 20_000
        loss = (loss_of_all_alignments if few else loss_of_merged_prefixes)(
            log_probs[:frames, n], op.targets[n, :length], op.blank
        )
        losses.append(0.0 if op.zero_infinity and loss == np.inf else loss)
    return losses


FORMULAS = {"CtcLoss": _ctc_loss}
