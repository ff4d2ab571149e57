"""What the Transformer is compared with: an encoder-decoder of LSTMs, on the same tokens."""

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence


class LSTMEncoderDecoder(nn.Module):
    """The decoder starts from the states in which the encoder ends (Sutskever, Vinyals and Le 2014).

    The defaults have as many parameters as the Transformer of width 128 with three and three layers.
    """

    def __init__(
        self, vocab: int, d_model: int = 128, hidden: int = 216, layers: int = 2, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.pad = 0
        self.source_embedding = nn.Embedding(vocab, d_model, padding_idx=self.pad)
        self.target_embedding = nn.Embedding(vocab, d_model, padding_idx=self.pad)
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.LSTM(d_model, hidden, layers, batch_first=True, dropout=dropout)
        self.decoder = nn.LSTM(d_model, hidden, layers, batch_first=True, dropout=dropout)
        self.head = nn.Linear(hidden, vocab)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Ids (batch, s) and (batch, t), padded at the end -> logits (batch, t, vocab)."""
        lengths = (source != self.pad).sum(dim=1).cpu()
        read = pack_padded_sequence(
            self.dropout(self.source_embedding(source)), lengths, batch_first=True, enforce_sorted=False
        )
        _, states = self.encoder(read)
        x, _ = self.decoder(self.dropout(self.target_embedding(target)), states)  # (batch, t, hidden)
        logits: Tensor = self.head(self.dropout(x))
        return logits

    def token_losses(self, source: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy in nats of each target token after those before it, (batch, t - 1); 0 at PAD."""
        logits = self(source, target[:, :-1])
        return F.cross_entropy(logits.transpose(1, 2), target[:, 1:], ignore_index=self.pad, reduction="none")
