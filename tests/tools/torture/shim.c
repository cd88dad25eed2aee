/* Loaded before libc: counts the calls on files below one folder, and lets the n-th of a kind fail, once.
 *
 * Nothing is counted before `torture_arm`. What libc calls within itself does not come by here: the reads and writes of
 * a FILE, which is opened here all the same.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN, READ, WRITE, FSYNC, RENAME, MKDIR, UNLINK, MMAP, LIST, KINDS };

static char root[PATH_MAX]; /* "": every file, wherever it is */
static size_t root_length;
static long counts[KINDS];
static int armed, failing_kind, failing_errno; /* errno 0: the call takes half of what it was given */
static long failing_number;
static char failed[2 * PATH_MAX]; /* what the call that failed was about */

/* Count from 0, and let call `number` (from 1) of `kind` fail with `error`; number 0: none. */
void torture_arm(const char *folder, int kind, long number, int error) {
    snprintf(root, sizeof root, "%s", folder);
    root_length = strlen(root);
    memset(counts, 0, sizeof counts);
    failed[0] = '\0';
    failing_kind = kind;
    failing_number = number;
    failing_errno = error;
    armed = 1;
}

void torture_disarm(void) { armed = 0; }

long torture_count(int kind) { return counts[kind]; }

const char *torture_failed(void) { return failed; }

static int below(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == '\0');
}

/* Returns whether this call is the one that fails. */
static int fails(enum kind kind, const char *name, const char *about) {
    const long number = __atomic_add_fetch(&counts[kind], 1, __ATOMIC_SEQ_CST);
    if ((int)kind != failing_kind || number != failing_number) return 0;
    snprintf(failed, sizeof failed, "%s %s", name, about);
    errno = failing_errno;
    return 1;
}

static int path_fails(enum kind kind, const char *name, int folder, const char *path) {
    char whole[2 * PATH_MAX];
    if (!armed || path == NULL) return 0;
    if (path[0] == '/') {
        snprintf(whole, sizeof whole, "%s", path);
    } else {
        char link[64];
        ssize_t length;
        if (folder == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        length = readlink(link, whole, PATH_MAX);
        if (length < 0) return 0;
        snprintf(whole + length, sizeof whole - (size_t)length, "/%s", path);
    }
    return (root_length == 0 || below(whole)) && fails(kind, name, whole);
}

/* Standard error is not counted, and pipes, sockets and terminals are not. */
static int file_fails(enum kind kind, const char *name, int file) {
    char link[64], path[PATH_MAX];
    struct stat facts;
    ssize_t length;
    const int before = errno;
    if (!armed || file == STDERR_FILENO || file < 0) return 0;
    if (fstat(file, &facts) != 0 || !(S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode))) {
        errno = before;
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0) return 0;
    path[length] = '\0';
    return (root_length == 0 || below(path)) && fails(kind, name, path);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A call that fails takes no bytes; one that is short takes half, but one at least. */
#define SHORT(count) ((count) > 1 ? (count) / 2 : (count))

/* ---- open ---- */

#define HAS_MODE(flags) (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)

#define MODE(flags) \
    mode_t mode = 0; \
    if (HAS_MODE(flags)) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        MODE(flags) \
        return path_fails(OPEN, "open", AT_FDCWD, path) && failing_errno ? -1 : real(path, flags, mode); \
    }
OPENS(open)
OPENS(open64)

#define OPENS_AT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        REAL(name); \
        MODE(flags) \
        return path_fails(OPEN, "open", folder, path) && failing_errno ? -1 : real(folder, path, flags, mode); \
    }
OPENS_AT(openat)
OPENS_AT(openat64)

/* Of code that is compiled with _FORTIFY_SOURCE. */
int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open64(path, flags); }
int __openat_2(int folder, const char *path, int flags) { return openat(folder, path, flags); }
int __openat64_2(int folder, const char *path, int flags) { return openat64(folder, path, flags); }

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

#define OPENS_STREAM(name) \
    FILE *name(const char *path, const char *mode) { \
        REAL(name); \
        return path_fails(OPEN, "fopen", AT_FDCWD, path) && failing_errno ? NULL : real(path, mode); \
    }
OPENS_STREAM(fopen)
OPENS_STREAM(fopen64)

/* ---- read and write ---- */

#define MOVES(kind, type, name, result, arguments, file, passed, halved) \
    result name arguments { \
        REAL(name); \
        if (file_fails(kind, type, file)) return failing_errno ? -1 : real halved; \
        return real passed; \
    }

MOVES(READ, "read", read, ssize_t, (int file, void *to, size_t count), file, (file, to, count),
      (file, to, SHORT(count)))
MOVES(READ, "pread", pread, ssize_t, (int file, void *to, size_t count, off_t at), file, (file, to, count, at),
      (file, to, SHORT(count), at))
MOVES(READ, "pread", pread64, ssize_t, (int file, void *to, size_t count, off64_t at), file, (file, to, count, at),
      (file, to, SHORT(count), at))
MOVES(READ, "readv", readv, ssize_t, (int file, const struct iovec *to, int count), file, (file, to, count),
      (file, to, SHORT(count)))
MOVES(READ, "preadv", preadv, ssize_t, (int file, const struct iovec *to, int count, off_t at), file,
      (file, to, count, at), (file, to, SHORT(count), at))
MOVES(WRITE, "write", write, ssize_t, (int file, const void *from, size_t count), file, (file, from, count),
      (file, from, SHORT(count)))
MOVES(WRITE, "pwrite", pwrite, ssize_t, (int file, const void *from, size_t count, off_t at), file,
      (file, from, count, at), (file, from, SHORT(count), at))
MOVES(WRITE, "pwrite", pwrite64, ssize_t, (int file, const void *from, size_t count, off64_t at), file,
      (file, from, count, at), (file, from, SHORT(count), at))
MOVES(WRITE, "writev", writev, ssize_t, (int file, const struct iovec *from, int count), file, (file, from, count),
      (file, from, SHORT(count)))
MOVES(WRITE, "pwritev", pwritev, ssize_t, (int file, const struct iovec *from, int count, off_t at), file,
      (file, from, count, at), (file, from, SHORT(count), at))
MOVES(WRITE, "sendfile", sendfile, ssize_t, (int file, int from, off_t *at, size_t count), file,
      (file, from, at, count), (file, from, at, SHORT(count)))
MOVES(WRITE, "sendfile", sendfile64, ssize_t, (int file, int from, off64_t *at, size_t count), file,
      (file, from, at, count), (file, from, at, SHORT(count)))
MOVES(WRITE, "copy_file_range", copy_file_range, ssize_t,
      (int from, off64_t *read_at, int file, off64_t *at, size_t count, unsigned flags), file,
      (from, read_at, file, at, count, flags), (from, read_at, file, at, SHORT(count), flags))

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __pread_chk(int, void *, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off64_t, size_t);
ssize_t __read_chk(int file, void *to, size_t count, size_t room) {
    (void)room;
    return read(file, to, count);
}
ssize_t __pread_chk(int file, void *to, size_t count, off_t at, size_t room) {
    (void)room;
    return pread(file, to, count, at);
}
ssize_t __pread64_chk(int file, void *to, size_t count, off64_t at, size_t room) {
    (void)room;
    return pread64(file, to, count, at);
}

/* ---- calls that do all or nothing; a short one is a whole one ---- */

#define ON_FILE(kind, name, arguments, file, passed) \
    int name arguments { \
        REAL(name); \
        return file_fails(kind, #name, file) && failing_errno ? -1 : real passed; \
    }
#define ON_PATH(kind, name, arguments, folder, path, passed) \
    int name arguments { \
        REAL(name); \
        return path_fails(kind, #name, folder, path) && failing_errno ? -1 : real passed; \
    }

ON_FILE(FSYNC, fsync, (int file), file, (file))
ON_FILE(FSYNC, fdatasync, (int file), file, (file))
ON_FILE(WRITE, ftruncate, (int file, off_t size), file, (file, size))
ON_FILE(WRITE, ftruncate64, (int file, off64_t size), file, (file, size))
ON_PATH(WRITE, truncate, (const char *path, off_t size), AT_FDCWD, path, (path, size))
ON_PATH(WRITE, truncate64, (const char *path, off64_t size), AT_FDCWD, path, (path, size))
ON_PATH(RENAME, rename, (const char *from, const char *to), AT_FDCWD, from, (from, to))
ON_PATH(RENAME, renameat, (int in, const char *from, int folder, const char *to), folder, to, (in, from, folder, to))
ON_PATH(RENAME, renameat2, (int in, const char *from, int folder, const char *to, unsigned flags), folder, to,
        (in, from, folder, to, flags))
ON_PATH(RENAME, link, (const char *from, const char *to), AT_FDCWD, to, (from, to))
ON_PATH(RENAME, linkat, (int in, const char *from, int folder, const char *to, int flags), folder, to,
        (in, from, folder, to, flags))
ON_PATH(RENAME, symlink, (const char *from, const char *to), AT_FDCWD, to, (from, to))
ON_PATH(MKDIR, mkdir, (const char *path, mode_t mode), AT_FDCWD, path, (path, mode))
ON_PATH(MKDIR, mkdirat, (int folder, const char *path, mode_t mode), folder, path, (folder, path, mode))
ON_PATH(UNLINK, unlink, (const char *path), AT_FDCWD, path, (path))
ON_PATH(UNLINK, unlinkat, (int folder, const char *path, int flags), folder, path, (folder, path, flags))
ON_PATH(UNLINK, rmdir, (const char *path), AT_FDCWD, path, (path))
ON_PATH(UNLINK, remove, (const char *path), AT_FDCWD, path, (path))

#define MAPS(name, offset) \
    void *name(void *at, size_t length, int protection, int flags, int file, offset from) { \
        REAL(name); \
        if ((flags & MAP_ANONYMOUS) == 0 && file_fails(MMAP, "mmap", file) && failing_errno) return MAP_FAILED; \
        return real(at, length, protection, flags, file, from); \
    }
MAPS(mmap, off_t)
MAPS(mmap64, off64_t)

/* ---- folders that are listed ---- */

DIR *opendir(const char *path) {
    REAL(opendir);
    return path_fails(LIST, "opendir", AT_FDCWD, path) && failing_errno ? NULL : real(path);
}

DIR *fdopendir(int file) {
    REAL(fdopendir);
    return file_fails(LIST, "fdopendir", file) && failing_errno ? NULL : real(file);
}
