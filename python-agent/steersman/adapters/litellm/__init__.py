"""Language models through LiteLLM: one attempt per call, streamed, and every failure a value."""

from steersman.adapters.litellm.model import LiteLLMModel

__all__ = ["LiteLLMModel"]
