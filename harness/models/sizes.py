"""How large the hub models are that recipes name, known before any of them is fetched: facts of their config.json."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """A decoder of the Llama kind in numbers: attention and a gated feed-forward layer in each block.

    `head` is the size of one attention head; `tied` says that the output layer is the embedding.
    """

    hidden: int
    blocks: int
    feed_forward: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int
    tied: bool

    def shapes(self) -> dict[str, list[int]]:
        """Name to shape of every matrix; norms and biases, under a thousandth of all, are left out."""
        queries, keys = self.heads * self.head, self.kv_heads * self.head
        block = {
            "self_attn.q_proj": [queries, self.hidden],
            "self_attn.k_proj": [keys, self.hidden],
            "self_attn.v_proj": [keys, self.hidden],
            "self_attn.o_proj": [self.hidden, queries],
            "mlp.gate_proj": [self.feed_forward, self.hidden],
            "mlp.up_proj": [self.feed_forward, self.hidden],
            "mlp.down_proj": [self.hidden, self.feed_forward],
        }
        found = {"model.embed_tokens.weight": [self.vocabulary, self.hidden]}
        for at in range(self.blocks):
            found |= {f"model.layers.{at}.{name}.weight": shape for name, shape in block.items()}
        return found if self.tied else found | {"lm_head.weight": [self.vocabulary, self.hidden]}


KNOWN = {
    "google/gemma-2b-it": Sizes(
        hidden=2048, blocks=18, feed_forward=16384, heads=8, kv_heads=1, head=256, vocabulary=256000, tied=True
    ),
    "Qwen/Qwen2.5-1.5B-Instruct": Sizes(
        hidden=1536, blocks=28, feed_forward=8960, heads=12, kv_heads=2, head=128, vocabulary=151936, tied=True
    ),
    "Qwen/Qwen3-1.7B": Sizes(
        hidden=2048, blocks=28, feed_forward=6144, heads=16, kv_heads=8, head=128, vocabulary=151936, tied=True
    ),
    "Qwen/Qwen3-32B": Sizes(
        hidden=5120, blocks=64, feed_forward=25600, heads=64, kv_heads=8, head=128, vocabulary=151936, tied=False
    ),
    "mistralai/Mistral-Small-24B-Instruct-2501": Sizes(
        hidden=5120, blocks=40, feed_forward=32768, heads=32, kv_heads=8, head=128, vocabulary=131072, tied=False
    ),
}
"""By hub id, as each repository's config.json has them."""
