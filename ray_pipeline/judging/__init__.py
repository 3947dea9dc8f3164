"""Listening to the checkpoints of a training: what each says, how well that is understood, and how
like the speaker it is. The numbers go into the table that `core.selection` chooses from.

    recipe    how much time it may take, which sentences, how long samples are
    samples   a checkpoint says its sentences
    ear       the recogniser that is there writes down what it hears
    likeness  how near a sample is to the speaker's own clips
    judge     all of it, checkpoint by checkpoint, within the time
"""
