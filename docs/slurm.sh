#!/bin/bash
# A run that outlives its jobs: `sbatch docs/slurm.sh`, from where `runs/` is to be. See clusters.md beside it.
#SBATCH --job-name=accel
#SBATCH --time=04:00:00
#SBATCH --cpus-per-task=2
#SBATCH --mem=8G
# Two minutes before the time is up the engine is told to save and leave; it does so at SIGTERM too.
#SBATCH --signal=USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append

# Where the run folder is on a network file system, the replay's frames may go to a disk of the node that outlives the job:
# export ACCEL_SCRATCH=/local/$USER

srun --cpus-per-task="${SLURM_CPUS_PER_TASK:-2}" accel run "${RECIPE:-recipes/halfcheetah_pomdp.yaml}" engine.threads="${SLURM_CPUS_PER_TASK:-2}" \
  --foreground --resume-or-start --name "${NAME:-halfcheetah_pomdp}"
code=$?

# 75: saved, and not at its end yet. Any other code is for a person to look at.
if [ "$code" -eq 75 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
