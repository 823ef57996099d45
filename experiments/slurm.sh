#!/usr/bin/env bash
#SBATCH --job-name=dbvae
#SBATCH --array=1-8
#SBATCH --cpus-per-task=2
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --output=.cache/slurm-%A-%a.log

# Table 1 in eight parts, on nodes that share this folder. Once, where there is a network, set up and render the faces:
#
#     ./run_experiments.sh quick && sbatch experiments/slurm.sh
#
# Each task trains its part of the runs. When all have ended, the same line without --shard trains what is missing (a
# task that ran out of time is simply submitted again) and makes the table of all rows:
#
#     ./run_experiments.sh table1
set -euo pipefail

cd "$SLURM_SUBMIT_DIR"
parts=8 # as in --array above; what Slurm counts is 1 where a single task is submitted again: sbatch --array=3 ...
./run_experiments.sh table1 --jobs "$SLURM_CPUS_PER_TASK" --shard "$SLURM_ARRAY_TASK_ID/$parts"
