"""Beam search: of all targets that a model may give a source, the likeliest few that it comes across."""

from dataclasses import dataclass

import torch
from torch import Tensor

from genre_models.seq2seq import EncoderDecoder, Read, evaluating


@dataclass(frozen=True)
class Hypothesis:
    """A target, its tokens without start and end, and how likely the model holds it.

    `log_probability` is in nats, that of the end token included; `score` divides it by the length penalty.
    `ended` is false for a target that was cut off after the most tokens allowed.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float
    ended: bool


@dataclass(frozen=True)
class Beams:
    """How to search: with `width` targets side by side, each of at most `max_tokens` with its end token.

    Scores are compared by log p / ((5 + length) / 6)^alpha, `alpha` being 0 for plain probability; it is over
    0 where long targets are not to lose by their length alone (Wu et al. 2016, equation 14).
    """

    width: int = 4
    max_tokens: int = 64
    alpha: float = 0.6

    def __post_init__(self) -> None:
        if min(self.width, self.max_tokens) < 1:
            raise ValueError(f"width and max_tokens are 1 or more, not {self.width} and {self.max_tokens}")
        if not 0 <= self.alpha < float("inf"):
            raise ValueError(f"alpha is 0 or more, not {self.alpha}")

    def score(self, log_probability: float, length: int) -> float:
        """By which targets are compared; `length` counts the end token."""
        return log_probability / ((5 + length) / 6) ** self.alpha


@torch.inference_mode()
def beam_search(
    model: EncoderDecoder, source: Tensor, start: int, end: int, beams: Beams | None = None
) -> list[list[Hypothesis]]:
    """For each source (batch, s) at most `beams.width` targets, the best score first.

    Every target begins with `start` and ends with `end`. An ended target takes up its place in the beam, so
    that a width of 1 is greedy decoding, and the search is over when no place is left. Sources in a batch do
    not change one another's targets. Keys and values are kept and follow the beams that they belong to.
    """
    beams = beams or Beams()
    with evaluating(model):
        return _Search(model, source, start, end, beams).run()


class _Search:
    """Beams of a batch as they grow: row i * width + j is beam j of source i, dead if its score is -inf."""

    def __init__(self, model: EncoderDecoder, source: Tensor, start: int, end: int, beams: Beams) -> None:
        self.model, self.end, self.beams = model, end, beams
        self.n_sources, self.width = len(source), beams.width
        every = torch.arange(self.n_sources, device=source.device).repeat_interleave(self.width)
        self.read: Read = model.read(source).select(every)
        self.tokens = source.new_full((len(every), 1), start)  # (rows, 1 + length)
        self.scores = torch.full((self.n_sources, self.width), -torch.inf, dtype=torch.float64)
        self.scores[:, 0] = 0.0  # all beams are alike before the first token: one stands for them
        self.places = torch.full((self.n_sources,), self.width)  # not yet taken by a target that ended
        self.found: list[list[Hypothesis]] = [[] for _ in range(self.n_sources)]

    def run(self) -> list[list[Hypothesis]]:
        """Until every target has ended or is cut off."""
        for _ in range(self.beams.max_tokens):
            if not self.places.any():
                break
            logits = self.model.next_logits(self.read, self.tokens[:, -1])  # (rows, vocab)
            logits[:, self.model.pad] = -torch.inf
            log_p = logits.cpu().double().log_softmax(dim=-1)
            self._grow(log_p.view(self.n_sources, self.width, -1))
        self._cut_off()
        return [sorted(found, key=lambda one: -one.score) for found in self.found]

    def _grow(self, log_p: Tensor) -> None:
        """By the log-probabilities of each beam's next token, (sources, width, vocab)."""
        vocab = log_p.shape[-1]
        totals = (self.scores[:, :, None] + log_p).flatten(1)  # (sources, width * vocab)
        best, chosen = totals.topk(self.width, dim=1)  # (sources, width)
        taken = torch.arange(self.width) >= self.places[:, None]
        self.scores = best.masked_fill(taken, -torch.inf)
        parents, tokens = chosen // vocab, chosen % vocab
        rows = (parents + self.width * torch.arange(self.n_sources)[:, None]).flatten().to(self.tokens.device)
        self.tokens = torch.cat([self.tokens[rows], tokens.view(-1, 1).to(rows.device)], dim=1)
        self.read = self.read.select(rows)
        self._finish(tokens)

    def _finish(self, tokens: Tensor) -> None:
        """Take the beams out whose last of `tokens` (sources, width) ends them."""
        ended = (tokens == self.end) & self.scores.isfinite()
        for source, beam in ended.nonzero().tolist():
            self._keep(source, beam, ended=True)
        self.places = self.places - ended.sum(dim=1)
        self.scores = self.scores.masked_fill(ended, -torch.inf)

    def _cut_off(self) -> None:
        for source, beam in self.scores.isfinite().nonzero().tolist():
            self._keep(source, beam, ended=False)

    def _keep(self, source: int, beam: int, ended: bool) -> None:
        tokens = self.tokens[source * self.width + beam, 1:].tolist()
        log_probability = float(self.scores[source, beam])
        score = self.beams.score(log_probability, len(tokens))
        self.found[source].append(
            Hypothesis(tuple(tokens[:-1] if ended else tokens), log_probability, score, ended)
        )
