#!/usr/bin/env bash
# Trains and evaluates one cell on this node: what docs/paper-scale.md describes.
#   docs/paper-cell.sh SETTING INTERVENTION SEED [plan]
# Killed at any moment, the same command goes on. By environment: SCALE, ENGINE (vllm or torch), RUNS, GRADER, MAX_COST.
set -euo pipefail

if [ $# -lt 3 ] || [ $# -gt 4 ] || [ "${4:-plan}" != plan ]; then
    echo "usage: $0 SETTING INTERVENTION SEED [plan]" >&2
    exit 2
fi
scale=${SCALE:-paper} engine=${ENGINE:-vllm}
cell=(--setting "$1" --intervention "$2" --seed "$3" --scale "$scale" --runs "${RUNS:-runs/$scale}")
if [ -n "${GRADER:-}" ]; then
    cell+=(--grader "$GRADER")
fi

harness run "${cell[@]}" --dry-run
if [ $# -eq 4 ]; then
    exit
fi
if [ -n "${GRADER:-}" ]; then
    cell+=(--max-cost "${MAX_COST:?say how many US dollars the grader may cost}")
fi
if [ "$engine" = vllm ]; then
    harness engine install
fi
harness run "${cell[@]}" --engine "$engine"
