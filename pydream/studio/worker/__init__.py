"""The processes that decode pictures and dream: ``python -m pydream.studio.worker FD``.

===========  ==============================================================================
__main__     a process: its main thread carries out one task after the other
task         a task: what is sent about it, and whether it is to stop
kinds        which function carries out what
orders       an order and its pictures → network, recipe and pictures, ready to dream
previews     the watch of a dream: progress, the picture so far, stop
dreams       one dream
sheets       a sheet of two parameters against each other, or of layers
loops        zoom loops
films        films
thumbnails   small dreams
replays      a picture made again, and compared
predictions  what a network takes a picture and its dream for
pictures     files from outside → pictures and films; results → other kinds of files
accounts     what a picture says of itself → the order that makes it
===========  ==============================================================================

A kind of order is added with a module that has ``run(task: Task[Run]) -> Finished``, and a line in `kinds.ORDERS`.
"""
