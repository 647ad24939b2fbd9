"""Fits the network: cross entropy, Adam with weight decay, early stopping, then a temperature. Repeatable by seed."""

import copy
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from apps.agents.adapters.torch_network import GatedNetwork
from apps.agents.domain.neural.calibration import best_temperature
from apps.agents.domain.neural.features import WINDOW
from apps.agents.ports import EpochTold, FitSettings, FittedNetwork, Samples

LARGEST_GRADIENT = 1.0
JUDGED_AT_ONCE = 1024


def fit(training: Samples, validation: Samples, settings: FitSettings, *, told: EpochTold) -> FittedNetwork:
    """See ``ports.NeuralEngine.fit``. ``told(epoch, training loss, validation loss)`` after each epoch."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    shuffle = torch.Generator().manual_seed(settings.seed)
    network = GatedNetwork(training.rows.shape[1], settings.hidden, settings.dropout)
    _normalise(network, training)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay)
    rows, ends, labels = _tensors(training)
    best, best_loss, best_epoch = copy.deepcopy(network.state_dict()), math.inf, 0
    for epoch in range(1, settings.epochs + 1):
        network.train()
        losses = []
        for batch in torch.randperm(len(ends), generator=shuffle).split(settings.batch):
            loss = nn.functional.cross_entropy(network(_windows(rows, ends[batch])), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            losses.append(loss.item())
        reached = _loss(network, validation)
        told(epoch, float(np.mean(losses)), reached)
        if reached < best_loss:
            best, best_loss, best_epoch = copy.deepcopy(network.state_dict()), reached, epoch
        elif epoch - best_epoch >= settings.patience:
            break
    network.load_state_dict(best)
    temperature = best_temperature(_scores(network, validation), validation.labels)
    network.temperature.fill_(temperature)
    tensors = {name: tensor.numpy().astype(np.float32) for name, tensor in network.state_dict().items()}
    return FittedNetwork(tensors, best_epoch, best_loss, temperature)


def _normalise(network: GatedNetwork, training: Samples) -> None:
    """Mean and deviation of the rows that the training samples end with: nothing of what comes later."""
    seen = training.rows[training.ends]
    network.mean.copy_(torch.from_numpy(seen.mean(axis=0)))
    network.scale.copy_(torch.from_numpy(np.maximum(seen.std(axis=0), 1e-6)))


def _tensors(samples: Samples) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.from_numpy(samples.rows), torch.from_numpy(samples.ends), torch.from_numpy(samples.labels)


def _windows(rows: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    return rows[ends[:, None] + torch.arange(1 - WINDOW, 1)]


def _scores(network: GatedNetwork, samples: Samples) -> NDArray[np.float64]:
    rows, ends, _ = _tensors(samples)
    network.eval()
    with torch.inference_mode():
        parts = [network(_windows(rows, part)).double().numpy() for part in ends.split(JUDGED_AT_ONCE)]
    return np.concatenate(parts)


def _loss(network: GatedNetwork, samples: Samples) -> float:
    scores = torch.from_numpy(_scores(network, samples))
    return float(nn.functional.cross_entropy(scores, torch.from_numpy(samples.labels)))
