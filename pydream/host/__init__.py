"""What systems differ in: no other module asks which system it runs on, or imports what only some of them have.

========= ==================================================================
locking   the lock of an open file
disk      flags, renames, syncs, links and reads of files
names     names that a file can have, and which of them are the same
resources memory, load, and limits on both and on open files
signals   what ends a command, and keeping it from threads and processes
processes starting others, ending with their parent, and handing them sockets
windows   calls of Windows' own
========= ==================================================================

Each asks what the system has (``hasattr``, an import), not what it is called, where that says enough.
"""

import os

WINDOWS = os.name == "nt"
