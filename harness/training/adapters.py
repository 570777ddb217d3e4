"""LoRA weights around a model's own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from harness.contracts import Recipe
from harness.errors import HarnessError
from harness.models import Dtype, quiet


def with_adapter(model: Any, recipe: Recipe, *, dtype: Dtype) -> Any:
    """`model` with fresh LoRA weights (fp32) around its frozen ones, ready to train in `dtype`.

    In bf16 the frozen matrices are rounded once here; autocast would round them again at every step.
    """
    from peft import LoraConfig, get_peft_model

    lora = recipe.lora
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.rslora,
        target_modules=list(lora.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
    try:
        with quiet():
            adapted = get_peft_model(model, config)
    except ValueError as error:
        raise HarnessError(f"cannot put the adapter on {type(model).__name__}: {str(error).splitlines()[0]}") from error
    for parameter in adapted.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if dtype == "bf16":
        for module in model.modules():
            if isinstance(module, nn.Linear) and not module.weight.requires_grad:
                module.weight.data = module.weight.data.to(torch.bfloat16)
    if recipe.checkpointing:
        with quiet():
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return adapted
