"""The one that owns task state: starts steps, watches them, cancels and recovers them.

For everybody else:

    settings.py       what it is told at start
    interface.py      what can be asked of it, as a typed protocol
    launch.py         starts it, as the named Ray actor; address.py finds it again
    remote.py         the protocol, spoken to that actor

Inside, from the door to the processes:

    actor.py          the actor: one process, the service and the runner in it
    service.py        answers what is asked
    parts.py          what answers: the one place where the parts are put together
    planning.py       rules: from a request to a job, what may run, and how it is called off
    attempts.py       rules: the life of one attempt at a step
    told.py           what an attempt reports, as fields, events and lines of the log
    task_data.py      rules: a task itself, its uploads and transcripts
    cutting.py        rules: clips trimmed, split and merged by hand
    ledger.py         a change of state: one transaction, after which the overview is right
    runner.py         the durable workflow (DBOS) that runs a job's steps in order
    attending.py      one attempt, from its turn to its recorded end
    gate.py           lets steps in, first come first served, as resources allow
    step_actor.py     where a step's function runs
    actor_progress.py how a step's workers report; outbox.py keeps what could not be stored yet
    live_jobs.py      which jobs a thread works on
    reservations.py   what trainings hold of the cluster; starving.py those that wait for it
    patience.py       waits for a database that is away, a disk that is full
    holding.py        being the only coordinator of a database
    watch.py          wakes those who wait for events
    task_log.py       training.log
    file_index.py     which files a task has
    start_up.py       what must hold before anything starts

Nothing is imported here: a step's process takes from this package only what it needs, which is
neither the database nor DBOS.
"""
