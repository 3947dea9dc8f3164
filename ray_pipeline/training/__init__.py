"""Training of the networks of a voice.

    plan ─> settings ─> launcher: on each Ray Train worker   training_run: epochs of batches
            (families: which network's)                        ─ trainer: data, step, setup,
                                                                 evaluation, checkpoint

A folder a network, with the same file names in each. Networks, trainers and runs know nothing of
Ray (`worker.LocalWorker` runs them in one process); `launcher`, `reports` and
`worker.RayWorker` do. Nothing here knows of databases.

    run_folders      which run is gone on with       checkpoints    what lies in a run's folder
    training_step    what both training steps do the    resuming       whole checkpoints, also in
                     same way                                          the middle of an epoch
    held_out         the clips to judge by              healing        what follows a step that
    exports          what is kept of the weights                       went wrong; faults orders one
    recomputing      less memory, more time             adopting       going on with a training that
                                                                        was begun elsewhere

Which checkpoint is chosen and which trainings are the voice: `core.selection`, `core.trainings`.
"""
