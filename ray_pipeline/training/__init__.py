"""Training of the two networks of a voice.

    experiment folder ─ *_data ─ *_sampler ─> batches ─ *_step ─> losses
                                   *_loop: epochs, checkpoints, exports, numbers
    launcher: the loop on Ray Train workers; runs: which run a step goes on with

Steps, loops and data know nothing of Ray (`worker.LocalWorker` runs them in one process);
`launcher`, `reports` and `worker.RayWorker` do. Nothing here knows of tasks or databases.
"""
