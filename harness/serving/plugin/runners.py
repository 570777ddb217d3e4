"""Where a runner of vLLM says what is in the next batch: its own extension point in V2, one method in V1."""

from __future__ import annotations

from typing import Any

XARG = "steer"
"""What a request names its key by, in `vllm_xargs`."""


def key_of(sampling_params: Any) -> str | None:
    """The key that a request names; None for a plain one."""
    told = getattr(sampling_params, "extra_args", None) or {}
    key = told.get(XARG)
    return None if key is None else str(key)


def arm_runner() -> None:
    """Has the V1 runner, if there is one, say what is in each batch before the step; a second time changes nothing."""
    from vllm.v1.worker.gpu_model_runner import GPUModelRunner

    runner: Any = GPUModelRunner
    prepare = runner._prepare_inputs
    if getattr(prepare, "is_armed", False):
        return

    def prepare_inputs(self: Any, scheduler_output: Any, num_scheduled_tokens: Any, *rest: Any, **named: Any) -> Any:
        steering = getattr(self.get_model(), "steering", None)
        if steering is not None:
            requests = list(self.input_batch.req_ids)
            steering.rows.keep_only(self.requests)
            for request in requests:
                steering.rows.begin(request, key_of(self.requests[request].sampling_params))
            steering.tell(requests, num_scheduled_tokens)
        return prepare(self, scheduler_output, num_scheduled_tokens, *rest, **named)

    prepare_inputs.is_armed = True  # type: ignore[attr-defined]
    runner._prepare_inputs = prepare_inputs


_STATES: list[type[Any]] = []


def model_state() -> type[Any]:
    """The state that the V2 runner keeps for a steered model."""
    if _STATES:
        return _STATES[0]
    from vllm.v1.worker.gpu.model_states.default import DefaultModelState

    base: Any = DefaultModelState

    class SteeredModelState(base):  # type: ignore[misc]
        """The default state, which tells the model's tables of requests as they come and go."""

        def add_request(self, req_index: int, new_req_data: Any) -> None:
            super().add_request(req_index, new_req_data)
            self.model.steering.rows.begin(new_req_data.req_id, key_of(new_req_data.sampling_params))

        def remove_request(self, req_id: str) -> None:
            super().remove_request(req_id)
            self.model.steering.rows.end(req_id)

        def prepare_inputs(self, input_batch: Any, req_states: Any) -> Any:
            self.model.steering.tell(input_batch.req_ids, input_batch.num_scheduled_tokens)
            return super().prepare_inputs(input_batch, req_states)

    _STATES.append(SteeredModelState)
    return SteeredModelState
