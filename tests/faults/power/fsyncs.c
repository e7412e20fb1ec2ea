/* fsyncs: record what a program made durable, so that a power loss can be played on its folder.
 *
 * Preloaded (LD_PRELOAD) into redis-server. For regular files and folders below $FSYNCS_FOLDER it appends a
 * line to $FSYNCS_RECORD: kind, inode, size, milliseconds of the monotonic clock, path where one is known.
 *
 *   W  a write; the size is the file's after it        S  a sync; the size is what is durable now
 *   T  cut or opened to be overwritten, to that size   R  made or renamed to the path    U  unlinked    D  a folder synced
 *
 * Inodes, not names: a rename changes nothing then. What stdio writes (snapshots, rewritten files) leaves no W,
 * since libc does not call itself through the table; its sync does, and that is what counts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Redis changes into its folder, and then names most of its files from there. */
static int below(const char *path) {
    const char *folder = getenv("FSYNCS_FOLDER");
    char here[PATH_MAX];
    if (*path != '/') path = getcwd(here, sizeof here);
    return folder && path && strncmp(path, folder, strlen(folder)) == 0 && strchr("/", path[strlen(folder)]);
}

/* One write, so that lines of threads and of a forked child never mix; errno is the caller's. */
static void tell(char kind, ino_t inode, long long size, const char *path) {
    static int record = -1;
    static ssize_t (*out)(int, const void *, size_t);
    int saved = errno;
    struct timespec now;
    char line[PATH_MAX + 80];
    if (record < 0) {
        const char *name = getenv("FSYNCS_RECORD");
        out = REAL(write);
        record = name ? REAL(open)(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    int length = snprintf(line, sizeof line, "%c %llu %lld %lld %s\n", kind, (unsigned long long)inode, size,
                          now.tv_sec * 1000LL + now.tv_nsec / 1000000, path);
    if (record >= 0 && out(record, line, length) != length) abort(); /* a gap in the record would be believed */
    errno = saved;
}

/* Sockets and pipes are sorted out by fstat alone, which is cheap; every reply to a client passes here. */
static int ours(int fd, struct stat *st, char *path) {
    char link[40];
    if (fstat(fd, st) != 0 || !(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    struct stat st;
    char path[PATH_MAX];
    if (!real) real = REAL(write);
    ssize_t written = real(fd, bytes, count);
    if (written > 0 && ours(fd, &st, path)) tell('W', st.st_ino, st.st_size, path);
    return written;
}

/* The size is read before the sync: what another thread appends meanwhile may not be on the disk after it. */
static int synced(int fd, int (*sync)(int)) {
    struct stat st;
    char path[PATH_MAX];
    int mine = ours(fd, &st, path);
    int result = sync(fd);
    if (mine && result == 0) tell(S_ISDIR(st.st_mode) ? 'D' : 'S', st.st_ino, st.st_size, path);
    return result;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

static void cut(const char *path, off_t size) {
    struct stat st;
    if (below(path) && stat(path, &st) == 0 && S_ISREG(st.st_mode)) tell('T', st.st_ino, size, path);
}

int ftruncate64(int fd, off64_t size) {
    struct stat st;
    char path[PATH_MAX];
    if (ours(fd, &st, path)) tell('T', st.st_ino, size, path);
    return REAL(ftruncate64)(fd, size);
}

int truncate64(const char *path, off64_t size) { cut(path, size); return REAL(truncate64)(path, size); }

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    struct stat st;
    int fresh = flags & O_CREAT && below(path) && stat(path, &st) != 0;
    if (flags & O_TRUNC) cut(path, 0);
    int fd = REAL(open64)(path, flags, mode);
    if (fresh && fd >= 0 && fstat(fd, &st) == 0) tell('R', st.st_ino, 0, path);
    return fd;
}

FILE *fopen64(const char *path, const char *mode) {
    if (*mode == 'w') cut(path, 0);
    return REAL(fopen64)(path, mode);
}

FILE *fopen(const char *path, const char *mode) { return fopen64(path, mode); }

/* A file whose last name goes frees its inode for another file, which begins with nothing durable. */
static void gone(const char *path) {
    struct stat st;
    if (below(path) && stat(path, &st) == 0) tell('U', st.st_ino, 0, path);
}

int unlink(const char *path) { gone(path); return REAL(unlink)(path); }

int rename(const char *from, const char *to) {
    struct stat st;
    gone(to);
    int result = REAL(rename)(from, to);
    if (result == 0 && below(to) && stat(to, &st) == 0) tell('R', st.st_ino, st.st_size, to);
    return result;
}
